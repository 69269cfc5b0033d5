-- @ all along
INSERT INTO items VALUES (10 + {n}, 'n{n}');
-- @ before the copy
CREATE TABLE stranger (id INT PRIMARY KEY, items INT);
INSERT INTO stranger VALUES (1, 1);
-- @ while replicating
ALTER TABLE stranger ADD COLUMN x INT, RENAME TO items2;
TRUNCATE items2;
CREATE TABLE copy_of_items SELECT * FROM items;
CREATE TEMPORARY TABLE items (id INT);
DROP TEMPORARY TABLE items;
DROP TABLE items2, copy_of_items;
CREATE TABLE IF NOT EXISTS items (id INT);
CREATE DATABASE {archive};
CREATE TABLE {archive}.items (id INT);
ALTER TABLE {archive}.items ADD COLUMN name INT;
TRUNCATE {archive}.items;
DROP TABLE {archive}.items;
DROP DATABASE {archive};
CREATE VIEW seen AS SELECT id FROM items;
CREATE PROCEDURE p() SELECT 1;
DROP PROCEDURE p;
DROP VIEW seen;
OPTIMIZE TABLE items;
ANALYZE TABLE items;
CHECK TABLE items;
FLUSH TABLES;
CREATE TRIGGER shout BEFORE INSERT ON items FOR EACH ROW SET NEW.name = UPPER(NEW.name);
INSERT INTO items VALUES (2, 'two');
DROP TRIGGER shout;
ALTER TABLE `odd#name -- x` COMMENT = 'x';
-- @ odd
ALTER TABLE `odd#name -- x` DROP COLUMN `a, b`;
