-- @ before the copy
UPDATE items SET text = CONCAT(text, 'b') WHERE four = '10.0.0.1';
-- @ while replicating
INSERT INTO items VALUES ('123e4567-e89b-12d3-a456-426614174001', REPEAT('ü', 500), 'x', '255.255.255.255', 'ffff::');
UPDATE items SET six = '1::', four = NULL WHERE four = '10.0.0.1';
DELETE FROM items WHERE id = '00000000-0000-0000-0000-000000000000';
