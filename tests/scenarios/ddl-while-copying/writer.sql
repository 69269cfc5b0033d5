-- @ before the copy
ALTER TABLE items MODIFY name VARCHAR(30) NOT NULL;
