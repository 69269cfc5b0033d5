-- @ while replicating
UPDATE pages SET title = 'deeper' WHERE path = '/a/long/path/to';
UPDATE pages SET path = '/nowhere' WHERE path = '/';
BEGIN;
DELETE FROM files WHERE name = REPEAT('b', 900);
INSERT INTO files VALUES (CONCAT(REPEAT('b', 900), 'c'), 7), ('b', 8);
COMMIT;
UPDATE blobs SET kind = 9 WHERE hash = x'00' AND kind = 2;
UPDATE blobs SET hash = 'z' WHERE kind = 3;
UPDATE files SET name = CONCAT(REPEAT('b', 900), 'd'), size = 5 WHERE size = 7;
UPDATE visits SET name = REPEAT('b', 100) WHERE id = 2;
