CREATE TABLE words (word VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, note VARCHAR(20));
CREATE TABLE uses (id INT PRIMARY KEY, word VARCHAR(20) COLLATE utf8mb4_general_ci NULL);
INSERT INTO words VALUES ('a', 'small'), ('b ', 'with a space'), ('É', 'accent');
INSERT INTO uses VALUES (1, 'A'), (2, 'á'), (3, 'a  '), (4, 'B'), (5, 'e'), (6, NULL), (7, 'z');
