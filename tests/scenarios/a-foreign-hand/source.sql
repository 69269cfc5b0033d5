CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NULL, size INT NULL);
INSERT INTO items VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, NULL, 4);
