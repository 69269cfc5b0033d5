-- table: items
SELECT id, name FROM items;
