-- @ before the copy
UPDATE words SET word = 'A' WHERE word = 'a';
-- @ after the copy
UPDATE words SET word = 'á', note = 'other spelling' WHERE word = 'A';
UPDATE uses SET word = 'E' WHERE id = 1;
-- @ all along
UPDATE uses SET word = ELT(1 + {n} MOD 4, 'a', 'A ', 'À', NULL) WHERE id = 3;
UPDATE words SET word = ELT(1 + {n} MOD 3, 'b', 'B', 'b  '), note = 'n{n}' WHERE word = 'b';
-- @ while replicating
DELETE FROM words WHERE word = 'a';
INSERT INTO words VALUES ('À', 'again');
UPDATE words SET word = 'Z' WHERE word = 'e';
UPDATE uses SET word = NULL WHERE id IN (1, 2);
DELETE FROM uses WHERE id = 6;
INSERT INTO uses VALUES (8, 'b');
