-- @ while replicating
ALTER TABLE items ALTER drive SET DEFAULT 'it\'s', COMMENT 'with, DROP COLUMN name, in \'it\'';
SET sql_mode = 'NO_BACKSLASH_ESCAPES';
ALTER TABLE items ALTER drive SET DEFAULT 'C:\', COMMENT ', DROP COLUMN name, ';
ALTER TABLE items ALTER drive SET DEFAULT 'C:\', MODIFY name VARCHAR(10), ALTER home SET DEFAULT 'x';
INSERT INTO items (id, name) VALUES (3, 'behind it');
