-- @ before the copy
UPDATE seats SET code = 'free' WHERE id = 1;
UPDATE seats SET code = 'a' WHERE id = 2;
-- @ while copying
BEGIN;
UPDATE seats SET code = 'tmp' WHERE id = 2;
UPDATE seats SET code = 'a' WHERE id = 3;
UPDATE seats SET code = 'c' WHERE id = 2;
COMMIT;
REPLACE INTO seats VALUES (9, 'a');
DELETE FROM seats WHERE id = 5;
INSERT INTO seats VALUES (5, NULL);
REPLACE INTO seats VALUES (3, 'new');
-- @ after the copy
UPDATE seats SET code = 'b' WHERE id = 1;
BEGIN;
UPDATE seats SET code = NULL WHERE id = 3;
UPDATE seats SET code = 'c' WHERE id = 2;
COMMIT;
-- @ all along
BEGIN;
UPDATE seats SET code = 'x' WHERE id = 1 + {n} MOD 5;
UPDATE seats SET code = 'y' WHERE id = 1 + ({n} + 1) MOD 5;
UPDATE seats SET code = NULL WHERE id = 1 + {n} MOD 5;
UPDATE seats SET code = 'x' WHERE id = 1 + ({n} + 1) MOD 5;
UPDATE seats SET code = 'z{n}' WHERE id = 1 + ({n} + 1) MOD 5;
COMMIT;
REPLACE INTO seats VALUES (6 + {n}, 'wanders');
-- @ numbered
UPDATE seats SET code = CONCAT('n', id) WHERE id <= 5;
-- @ swap
BEGIN;
UPDATE seats SET code = 'tmp' WHERE id = 1;
UPDATE seats SET code = 'n1' WHERE id = 2;
UPDATE seats SET code = 'n2' WHERE id = 1;
COMMIT;
INSERT INTO seats VALUES (3, 'n5') ON DUPLICATE KEY UPDATE code = 'dup';
INSERT IGNORE INTO seats VALUES (1000000, 'n4');
