-- table: items
SELECT id, LEFT(COALESCE(name, ''), 5), LEAST(COALESCE(size, 0), 127) FROM items;
