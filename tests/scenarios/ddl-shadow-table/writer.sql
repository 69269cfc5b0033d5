-- @ while replicating
CREATE TABLE _items_new LIKE items;
ALTER TABLE _items_new ADD COLUMN colour VARCHAR(10) NULL, MODIFY name VARCHAR(20) NOT NULL AFTER id;
CREATE TRIGGER items_ins AFTER INSERT ON items FOR EACH ROW REPLACE INTO _items_new (id, name, size) VALUES (NEW.id, NEW.name, NEW.size);
CREATE TRIGGER items_upd AFTER UPDATE ON items FOR EACH ROW REPLACE INTO _items_new (id, name, size) VALUES (NEW.id, NEW.name, NEW.size);
INSERT LOW_PRIORITY IGNORE INTO _items_new (id, name, size) SELECT id, name, size FROM items WHERE id <= 2;
UPDATE items SET name = 'changed meanwhile' WHERE id = 1;
INSERT INTO items VALUES (5, 'five', 5);
INSERT LOW_PRIORITY IGNORE INTO _items_new (id, name, size) SELECT id, name, size FROM items WHERE id > 2;
ANALYZE TABLE _items_new;
RENAME TABLE {source}.items TO {source}._items_old, {source}._items_new TO {source}.items;
DROP TABLE IF EXISTS _items_old;
DROP TRIGGER IF EXISTS items_ins;
DROP TRIGGER IF EXISTS items_upd;
INSERT INTO items (id, name, colour) VALUES (6, 'behind the swap', 'red');
UPDATE items SET name = 'again' WHERE id = 1;
