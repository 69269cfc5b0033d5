-- @ while replicating
INSERT INTO items VALUES (4, 'four');
RENAME TABLE items TO items_of_last_year;
CREATE TABLE items LIKE items_of_last_year;
INSERT INTO items VALUES (1, 'a new first');
-- @ back
ALTER TABLE items RENAME TO items_of_this_year;
RENAME TABLE items_of_last_year TO items;
