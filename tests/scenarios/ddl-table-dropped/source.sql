CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE others (id INT PRIMARY KEY);
INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO others VALUES (1);
