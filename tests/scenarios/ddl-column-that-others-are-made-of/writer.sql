-- @ while replicating
ALTER TABLE items MODIFY note VARCHAR(40);
ALTER TABLE items MODIFY price DECIMAL(10,1) NOT NULL;
INSERT INTO items (id, price) VALUES (3, 5.5);
ALTER TABLE items CHANGE price price DECIMAL(10,0) NOT NULL COMMENT 'CHANGE price cost';
