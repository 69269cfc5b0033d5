CREATE TABLE members (id INT PRIMARY KEY, team VARCHAR(20) COLLATE utf8mb4_general_ci NULL, role VARCHAR(10) NOT NULL);
INSERT INTO members VALUES (10, 'Red', 'a'), (11, 'red', 'b'), (20, 'blue', 'c'), (21, 'Blue ', 'd'), (30, NULL, 'e'), (40, 'grey', 'i'), (41, 'Grey', 'j');
