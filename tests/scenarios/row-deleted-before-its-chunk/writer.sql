-- @ before the copy
DELETE FROM orders WHERE id = 1;
INSERT INTO orders VALUES (6, 'comes and goes');
DELETE FROM orders WHERE id = 6;
DELETE FROM orders WHERE id = 3;
INSERT INTO orders VALUES (3, 'is back');
UPDATE orders SET note = 'a' WHERE id = 4;
-- @ after the copy
DELETE FROM orders WHERE id = 2;
UPDATE orders SET note = 'b' WHERE id = 4;
DELETE FROM orders WHERE id = 3;
INSERT INTO orders VALUES (7, 'behind the copy');
-- @ all along
INSERT INTO orders VALUES (100 + {n}, 'fleeting');
DELETE FROM orders WHERE id = 100 + {n};
UPDATE orders SET note = 'round {n}' WHERE id = 5;
