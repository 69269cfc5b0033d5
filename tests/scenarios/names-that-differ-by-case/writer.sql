-- @ while copying
INSERT INTO ITEMS VALUES (2, 20);
DELETE FROM Items WHERE id = 2;
-- @ while replicating
INSERT INTO ITEMS SELECT id + 10, id FROM Items;
TRUNCATE ITEMS;
INSERT INTO ITEMS VALUES (5, 50);
UPDATE Items SET name = 'still here' WHERE id = 1;
ALTER TABLE Items DROP COLUMN other;
