CREATE TABLE words (word VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, note VARCHAR(20) NOT NULL);
INSERT INTO words VALUES ('a', 'first'), ('b', 'second');
