CREATE TABLE accounts (id INT PRIMARY KEY, active INT NOT NULL);
CREATE TABLE users (id INT PRIMARY KEY, account_id INT NULL, name VARCHAR(20) NOT NULL);
INSERT INTO accounts VALUES (1, 1), (2, 0), (3, 1);
INSERT INTO users VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 3, 'd'), (5, NULL, 'e'), (6, 7, 'f');
