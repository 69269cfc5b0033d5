-- table: items
SELECT id, name, size FROM items;
