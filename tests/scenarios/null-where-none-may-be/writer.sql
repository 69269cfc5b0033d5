-- @ while replicating
INSERT INTO items VALUES (3, 'three', 3);
UPDATE items SET name = NULL WHERE id = 2;
INSERT INTO items VALUES (9, 'nine', 9);
