CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NULL);
INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
