CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO items VALUES (1, 'one'), (2, 'two');
