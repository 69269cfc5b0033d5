-- @ before the copy
ALTER TABLE items DROP COLUMN name;
