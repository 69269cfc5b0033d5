-- @ while replicating
UPDATE items SET name = 'before' WHERE id = 1;
ALTER TABLE items ADD COLUMN size INT NOT NULL DEFAULT 5;
UPDATE items SET size = 6 WHERE id = 2;
INSERT INTO items VALUES (4, 'four', 7);
-- @ the target follows
ALTER TABLE {target}.items ADD COLUMN size INT NOT NULL DEFAULT 5;
-- @ one more
ALTER TABLE items ADD COLUMN internal BLOB NULL;
INSERT INTO items VALUES (5, 'five', 8, 'x');
