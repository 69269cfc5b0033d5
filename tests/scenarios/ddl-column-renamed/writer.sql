-- @ while replicating
UPDATE services SET name = 'before' WHERE id = 1;
ALTER TABLE services RENAME COLUMN name TO title;
INSERT INTO services (id, title) VALUES (9, 'behind it');
UPDATE services SET title = 'changed' WHERE id = 2;
-- @ again
DELETE FROM services WHERE id = 3;
ALTER TABLE services CHANGE title title VARCHAR(30) NOT NULL, ADD COLUMN more INT;
UPDATE services SET title = 'short enough' WHERE id = 1;
