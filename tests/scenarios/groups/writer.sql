-- @ before the copy
DELETE FROM skills WHERE id = 1;
-- @ while copying
UPDATE skills SET staff = 'bob' WHERE id = 2;
INSERT INTO skills VALUES (9, 'ann', 5, 'late');
-- @ after the copy
UPDATE skills SET staff = 'ann' WHERE id = 4;
-- @ all along
UPDATE skills SET rank_ = {n} MOD 3 WHERE id = 2;
UPDATE skills SET staff = ELT(1 + {n} MOD 3, 'ann', NULL, 'dot') WHERE id = 5;
-- @ while replicating
DELETE FROM skills WHERE staff = 'bob';
UPDATE skills SET staff = NULL WHERE id = 6;
UPDATE skills SET staff = 'eve' WHERE staff IS NULL;
INSERT INTO skills VALUES (7, 'bob', 0, 'again'), (8, NULL, 3, 'last');
BEGIN;
UPDATE skills SET rank_ = -1 WHERE id = 6;
UPDATE skills SET id = 20 WHERE id = 2;
UPDATE skills SET staff = 'bob' WHERE id = 4;
COMMIT;
DELETE FROM skills WHERE staff IS NULL;
-- @ null again
INSERT INTO skills VALUES (10, NULL, 1, 'new'), (11, NULL, 0, 'first');
-- @ null once more
UPDATE skills SET staff = NULL WHERE id = 7;
