CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(20) NULL, UNIQUE KEY (email));
CREATE TABLE no_primary (code VARCHAR(10) NOT NULL, area INT NOT NULL, note VARCHAR(20) NULL, UNIQUE KEY by_code (code, area), UNIQUE KEY by_note (note));
INSERT INTO people VALUES (1, NULL), (2, NULL), (3, 'c'), (4, 'd');
INSERT INTO no_primary VALUES ('a', 1, NULL), ('a', 2, NULL), ('b', 1, 'x'), ('c', 0, 'y');
