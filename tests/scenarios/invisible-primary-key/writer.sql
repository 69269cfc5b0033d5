-- @ while copying
INSERT INTO log VALUES ('b'), ('b');
-- @ all along
INSERT INTO log VALUES ('n{n}');
DELETE FROM log WHERE text = 'n{n}' ORDER BY my_row_id LIMIT 1;
-- @ while replicating
UPDATE log SET text = 'c' WHERE text = 'a';
