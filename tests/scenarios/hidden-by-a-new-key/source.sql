CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(20) NOT NULL);
INSERT INTO people VALUES (1, 'a'), (2, 'b');
