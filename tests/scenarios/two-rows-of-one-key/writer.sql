-- @ while replicating
UPDATE words SET word = 'c' WHERE id = 1;
INSERT INTO words VALUES (3, 'b');
