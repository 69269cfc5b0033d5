-- @ while copying
DELETE FROM parents WHERE id = 3;
-- @ parents go
UPDATE children SET note = 7 WHERE id = 4;
DELETE FROM parents WHERE id = 1;
UPDATE parents SET id = 20 WHERE id = 2;
