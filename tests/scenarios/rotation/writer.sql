-- @ all along
INSERT INTO items (text) VALUES ('n{n}'), ('m{n}');
-- session: other
BEGIN;
UPDATE items SET text = 'before the new file' WHERE id = 1;
-- session: main
FLUSH BINARY LOGS;
-- session: other
UPDATE items SET text = 'round {n}' WHERE id = 2;
COMMIT;
-- @ meanwhile
FLUSH BINARY LOGS;
INSERT INTO items (text) VALUES ('while nothing ran');
FLUSH BINARY LOGS;
FLUSH BINARY LOGS;
