CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20), drive VARCHAR(20), home VARCHAR(20));
INSERT INTO items VALUES (1, 'short', 'a', 'b'), (2, 'longer', 'c', 'd');
