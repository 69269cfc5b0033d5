CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(20) NOT NULL);
INSERT INTO orders VALUES (1, 'one'), (2, 'two'), (3, 'three');
