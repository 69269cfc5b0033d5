-- @ before the copy
UPDATE accounts SET active = 1 - active WHERE id IN (1, 2);
-- @ after the copy
UPDATE users SET account_id = 2 WHERE id = 1;
INSERT INTO accounts VALUES (7, 1);
-- @ all along
UPDATE accounts SET active = {n} MOD 2 WHERE id = 3;
UPDATE users SET name = 'd{n}' WHERE id = 4;
-- @ while replicating
UPDATE accounts SET active = 0;
UPDATE accounts SET active = 1 WHERE id = 7;
UPDATE users SET account_id = 7 WHERE id = 5;
DELETE FROM accounts WHERE id = 1;
INSERT INTO accounts VALUES (1, 1);
UPDATE users SET id = id + 10 ORDER BY id DESC;
