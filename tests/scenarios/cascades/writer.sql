-- @ before the copy
DELETE FROM branches WHERE id = 2;
INSERT INTO branches VALUES (2, 1, 'b again');
-- @ while copying
INSERT INTO branches VALUES (8, 2, 'between');
UPDATE shifts SET branch_id = 8 WHERE id = 4;
UPDATE branches SET company_id = 1 WHERE id = 5;
-- @ after the copy
UPDATE companies SET id = 20 WHERE id = 2;
DELETE FROM companies WHERE id = 3;
-- @ all along
INSERT INTO companies VALUES (100 + {n});
INSERT INTO branches VALUES (100 + {n}, 100 + {n}, 'n{n}');
INSERT INTO staff VALUES (100 + {n}, 100 + {n}, NULL), (10000 + {n}, 100 + {n}, 100 + {n});
INSERT INTO shifts VALUES (100 + {n}, 10000 + {n}, 1);
DELETE FROM companies WHERE id = 98 + {n} AND {n} > 2;
DELETE FROM staff WHERE id = 95 + {n} AND {n} > 5;
-- @ while replicating
DELETE FROM staff WHERE id = 1;
UPDATE companies SET id = 2 WHERE id = 20;
BEGIN;
UPDATE branches SET company_id = 2 WHERE id = 1;
DELETE FROM companies WHERE id = 1;
INSERT INTO companies VALUES (1);
INSERT INTO branches VALUES (9, 1, 'new');
UPDATE staff SET branch_id = 9 WHERE id = 4;
DELETE FROM branches WHERE id = 3;
COMMIT;
SET foreign_key_checks = 0;
DELETE FROM companies WHERE id = 1;
SET foreign_key_checks = 1;
