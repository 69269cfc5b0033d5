-- @ before the copy
UPDATE texts SET a = CONCAT(a, 'ÿ') WHERE id = 1;
-- @ while replicating
INSERT INTO texts SELECT id + 10, a, b, c, d, e, f, g, h FROM texts;
UPDATE texts SET b = '汉字', e = CONCAT(e, '€'), g = 'Ж' WHERE id = 11;
SET NAMES latin1;
UPDATE texts SET f = _latin1 x'E9' WHERE id = 12;
