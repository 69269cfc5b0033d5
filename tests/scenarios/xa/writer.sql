-- @ while copying
-- session: first
XA START 'first';
INSERT INTO items VALUES (10, 'prepared in between');
UPDATE items SET name = 'held' WHERE id = 1;
XA END 'first';
XA PREPARE 'first';
-- session: second
XA START 'second';
INSERT INTO items VALUES (20, 'never');
DELETE FROM items WHERE id = 2;
XA END 'second';
XA PREPARE 'second';
-- @ after the copy
INSERT INTO items VALUES (5, 'overtakes');
-- session: second
XA ROLLBACK 'second';
-- @ while replicating
UPDATE items SET name = 'changed' WHERE id = 2;
-- session: third
XA START 'third', 'branch', 7;
UPDATE items SET id = 30 WHERE id = 3;
XA END 'third', 'branch', 7;
XA PREPARE 'third', 'branch', 7;
-- session: first
XA COMMIT 'first';
-- @ decided after a restart
INSERT INTO items VALUES (6, 'first');
-- session: third
XA COMMIT 'third', 'branch', 7;
-- session: main
DELETE FROM items WHERE id = 30;
