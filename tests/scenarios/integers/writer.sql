-- @ before the copy
INSERT INTO numbers SELECT id + 10, a, b, c, d, e, f, g, h, i, j, k, l FROM numbers;
-- @ while replicating
INSERT INTO numbers SELECT id + 20, a, b, c, d, e, f, g, h, i, j, k, l FROM numbers WHERE id < 5;
UPDATE numbers SET b = 255 - b, d = 65535 - d, f = 16777215 - f, h = 4294967295 - h, j = 18446744073709551615 - j;
UPDATE numbers SET a = NULL, j = 9223372036854775808 WHERE id = 23;
