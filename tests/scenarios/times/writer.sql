-- @ after the copy
SET sql_mode = '', time_zone = '-11:30';
INSERT INTO moments SELECT id + 10, a, b, c, d, e, f, g, h FROM moments;
UPDATE moments SET h = '2026-10-25 02:30:00' WHERE id = 1;
-- @ while replicating
SET sql_mode = '', time_zone = '+05:45';
INSERT INTO moments SELECT id + 20, a, b, c, d, e, f, g, h FROM moments WHERE id < 6;
UPDATE moments SET a = '2026-03-29 02:30:00.123456', d = SUBTIME(d, '00:00:00.5') WHERE id IN (2, 12);
UPDATE moments SET b = '0000-00-00', c = '2026-12-00', f = NULL WHERE id IN (1, 11, 21);
