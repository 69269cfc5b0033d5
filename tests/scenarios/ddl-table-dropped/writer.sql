-- @ while replicating
INSERT INTO others VALUES (2);
DROP TABLE IF EXISTS nothing, items;
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO items VALUES (1, 'restored'), (4, 'four');
INSERT INTO others VALUES (3);
