-- @ meanwhile
INSERT INTO items VALUES (3, 'three');
ALTER TABLE items ADD COLUMN size INT NOT NULL DEFAULT 5;
INSERT INTO items VALUES (4, 'four', 4);
-- @ the target follows
ALTER TABLE {target}.items ADD COLUMN size INT NOT NULL DEFAULT 5;
-- @ the target does not follow
ALTER TABLE {target}.items DROP COLUMN size;
