-- @ all along
INSERT INTO customers (name, plan) VALUES ('n{n}', 'p');
INSERT INTO orders (customer_id, total) VALUES (1, {n});
UPDATE customers SET plan = 'p{n}' WHERE id = 1;
-- @ in the new tables
INSERT INTO customers (name, subscription) VALUES ('new', 'after');
UPDATE customers SET subscription = 'changed' WHERE id = 2;
DELETE FROM orders WHERE id = 2;
-- @ in the old tables
INSERT INTO customers (name, plan) VALUES ('old', 'again');
UPDATE orders SET total = 9 WHERE id = 1;
