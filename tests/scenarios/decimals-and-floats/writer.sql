-- @ before the copy
UPDATE exact SET a = a - 0.000000000000000000000000000001 WHERE a > 1;
UPDATE approximate SET id = id + 100 WHERE id IN (1, 3);
-- @ while replicating
INSERT INTO approximate SELECT id + 20, a, b, c FROM approximate;
UPDATE approximate SET a = a / 3, b = b / 3 WHERE id > 20;
UPDATE exact SET a = -a;
DELETE FROM exact WHERE a = 0;
