-- @ while replicating
SET SESSION sql_mode = '';
ALTER TABLE items ADD CONSTRAINT PRIMARY KEY (number);
INSERT INTO items VALUES (3, 30);
