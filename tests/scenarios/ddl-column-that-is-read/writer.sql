-- @ while replicating
UPDATE services SET name = 'before' WHERE id = 1;
ALTER TABLE services ADD COLUMN title VARCHAR(20) NULL;
ALTER TABLE services DROP COLUMN name;
INSERT INTO services (id, title) VALUES (9, 'behind it');
