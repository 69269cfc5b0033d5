-- @ all along
UPDATE items SET size = {n} WHERE id = 1;
-- @ by hand
UPDATE {target}.items SET name = 'TWO' WHERE id = 2;
DELETE FROM {target}.items WHERE id = 3;
INSERT INTO {target}.items VALUES (99, 'extra', NULL);
UPDATE {target}.items SET name = 'NULL' WHERE id = 4;
