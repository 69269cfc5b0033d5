-- @ while replicating
UPDATE services SET name = 'before' WHERE id = 1;
ALTER TABLE services DROP COLUMN name;
INSERT INTO services (id, price) VALUES (9, 90);
UPDATE services SET price = 31 WHERE id = 3;
