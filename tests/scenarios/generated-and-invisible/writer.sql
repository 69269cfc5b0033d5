-- @ before the copy
UPDATE items SET a = 11 WHERE id = 1;
-- @ after the copy
INSERT INTO items (id, a, d) VALUES (4, 40, NULL);
-- @ while replicating
UPDATE items SET a = a + 1, d = d + 1 ORDER BY a DESC;
INSERT INTO items (id, a) VALUES (5, 50);
