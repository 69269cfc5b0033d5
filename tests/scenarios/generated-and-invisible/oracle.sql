-- table: items
SELECT id, a, b, c, d, e, f FROM items;
