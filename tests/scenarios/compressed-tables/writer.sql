-- @ while replicating
INSERT INTO a SELECT id + 10, text FROM b;
UPDATE b SET text = REVERSE(CONCAT(text, 'x'));
DELETE FROM a WHERE id = 1;
