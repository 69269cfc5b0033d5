-- @ while replicating
-- session: report
CREATE TEMPORARY TABLE items (id INT PRIMARY KEY, other INT);
INSERT INTO items VALUES (5, 5), (6, 6);
UPDATE items SET other = 7 WHERE id = 5;
ALTER TABLE items DROP COLUMN other, ADD COLUMN name VARCHAR(30);
DELETE FROM items WHERE id = 5;
TRUNCATE TABLE items;
TRUNCATE items;
DROP TABLE items;
CREATE TEMPORARY TABLE items SELECT 1 AS id, 'x' AS name;
DROP TEMPORARY TABLE items;
INSERT INTO items VALUES (4, 'there again');
CREATE TEMPORARY TABLE items LIKE {target}.items;
INSERT INTO items VALUES (7, 'x');
-- session: main
INSERT INTO items VALUES (3, 'c');
-- @ not logged
-- session: quiet
SET sql_log_bin = 0;
INSERT INTO items VALUES (9, 'i');
UPDATE items SET name = 'changed' WHERE id = 1;
