-- @ before the copy
UPDATE no_primary SET code = 'moved' WHERE area = 2;
-- @ after the copy
UPDATE people SET email = NULL WHERE id = 3;
UPDATE people SET email = 'c' WHERE id = 1;
DELETE FROM no_primary WHERE code = 'b';
INSERT INTO no_primary VALUES ('d', 9, 'x');
-- @ while replicating
UPDATE people SET email = NULL;
INSERT INTO people VALUES (5, 'd'), (6, NULL);
UPDATE no_primary SET note = NULL, area = area + 1 ORDER BY area DESC;
INSERT INTO no_primary VALUES ('e', 1, 'y'), ('f', 1, NULL);
