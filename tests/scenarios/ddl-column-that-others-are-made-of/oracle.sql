-- table: items
SELECT id, cents, euros FROM items;
