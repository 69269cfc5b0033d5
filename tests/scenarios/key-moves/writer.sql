-- @ before the copy
UPDATE places SET id = 9001 WHERE id = 10;
UPDATE places SET id = 1 WHERE id = 9000;
-- @ all along
UPDATE places SET id = -{n} WHERE id = 8000 - 10 * {n};
UPDATE places SET id = 10000 + {n} WHERE id = 1000 + 10 * {n};
UPDATE places SET id = -10000 - {n} WHERE id = 10000 + {n};
-- @ while copying
UPDATE places SET id = 4 WHERE id = 8990;
UPDATE places SET id = 9002 WHERE id = 20;
UPDATE places SET id = id + 5 WHERE id BETWEEN 3000 AND 3300;
-- @ after the copy
UPDATE places SET id = 2 WHERE id = 9001;
UPDATE places SET id = id + 100000 WHERE id BETWEEN 3000 AND 3100;
UPDATE places SET id = id - 100000 WHERE id BETWEEN 103000 AND 103050;
-- @ while replicating
UPDATE places SET id = 3 WHERE id = 2;
UPDATE places SET id = id + 1 WHERE id BETWEEN 4000 AND 4200 ORDER BY id DESC;
