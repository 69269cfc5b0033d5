-- @ after the copy
INSERT INTO bytes SELECT id + 10, a, b, c, d, e, f, g, h FROM bytes;
-- @ while replicating
INSERT INTO bytes SELECT id + 20, a, b, c, d, e, f, g, h FROM bytes WHERE id < 5;
UPDATE bytes SET a = x'00', b = CONCAT(b, x'00'), c = NULL, f = f >> 1 WHERE id IN (2, 12, 22);
UPDATE bytes SET c = '', g = '' WHERE id IN (3, 13);
