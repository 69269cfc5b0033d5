-- @ while replicating
UPDATE days SET priority = 8 WHERE id = 2;
UPDATE branches SET _table = 'changed' WHERE id = 2;
DELETE FROM days WHERE id = 4;
