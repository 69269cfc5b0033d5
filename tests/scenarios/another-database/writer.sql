-- @ while nothing runs
UPDATE items SET name = 'c' WHERE id = 1;
