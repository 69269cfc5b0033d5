-- @ all along
BEGIN;
INSERT INTO a VALUES (1000 + {n}, 'kept');
SAVEPOINT here;
INSERT INTO b VALUES (1000 + {n}, 'undone');
UPDATE a SET text = 'undone' WHERE id = 1;
ROLLBACK TO SAVEPOINT here;
INSERT INTO b VALUES (2000 + {n}, 'kept');
SAVEPOINT here;
UPDATE a SET text = 'round {n}' WHERE id = 2;
RELEASE SAVEPOINT here;
COMMIT;
BEGIN;
DELETE FROM a WHERE id < 1000;
ROLLBACK;
-- @ after the copy
INSERT INTO a SELECT 10000 + seq, REPEAT('x', 150) FROM (WITH RECURSIVE numbers AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 900) SELECT seq FROM numbers) AS n;
-- @ while replicating
INSERT INTO b SELECT id + 50000, text FROM a WHERE id > 10000;
UPDATE a, b SET a.text = 'both', b.text = 'both' WHERE a.id = b.id - 50000 AND a.id < 10300;
DELETE a, b FROM a JOIN b ON a.id = b.id - 50000 WHERE a.id > 10700;
BEGIN;
INSERT INTO a VALUES (5, 'five');
UPDATE b SET text = 'one transaction' WHERE id = 1;
UPDATE a SET id = 6 WHERE id = 5;
DELETE FROM b WHERE id = 2;
INSERT INTO b VALUES (2, 'again');
UPDATE a SET text = 'last' WHERE id = 6;
COMMIT;
CREATE TABLE c SELECT * FROM a WHERE id < 10;
INSERT INTO a SELECT id + 100, text FROM c;
SET autocommit = 0;
INSERT INTO a VALUES (7, 'seven');
INSERT INTO b VALUES (7, 'seven');
COMMIT;
