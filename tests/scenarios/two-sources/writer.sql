-- @ all along
INSERT INTO calls VALUES (10 + {n}, 'call {n}');
DELETE FROM hooks WHERE id = 8 + {n};
INSERT INTO hooks VALUES (10 + {n}, 'hook {n}');
UPDATE calls SET body = 'changed {n}' WHERE id = 1;
-- @ while copying
UPDATE hooks SET body = 'in between' WHERE id = 2;
DELETE FROM calls WHERE id = 2;
-- @ while replicating
DELETE FROM calls WHERE id = 1;
-- @ meanwhile
INSERT INTO calls VALUES (-1, 'while nothing ran');
DELETE FROM hooks WHERE id = 1;
TRUNCATE TABLE calls;
INSERT INTO calls VALUES (1, 'after the truncation');
