CREATE TABLE parents (id INT PRIMARY KEY, name VARCHAR(20));
CREATE TABLE children (id INT PRIMARY KEY, parent_id INT NULL, note INT, orphan INT AS (parent_id IS NULL) VIRTUAL, twice INT AS (note * 2) VIRTUAL, FOREIGN KEY (parent_id) REFERENCES parents (id) ON DELETE SET NULL ON UPDATE CASCADE);
INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO children (id, parent_id, note) VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, NULL, 4);
