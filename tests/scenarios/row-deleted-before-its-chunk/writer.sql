-- @ before the copy
DELETE FROM orders WHERE id = 1;
INSERT INTO orders VALUES (6, 'comes and goes');
DELETE FROM orders WHERE id = 6;
DELETE FROM orders WHERE id = 3;
INSERT INTO orders VALUES (3, 'is back');
UPDATE orders SET note = 'a' WHERE id = 4;
-- @ while copying
DELETE FROM orders WHERE id = 5;
INSERT INTO orders VALUES (8, 'behind the chunk'), (9, 'and gone');
UPDATE orders SET note = 'in between' WHERE id = 4;
DELETE FROM orders WHERE id = 9;
UPDATE orders SET id = 55 WHERE id = 3;
-- @ after the copy
DELETE FROM orders WHERE id = 2;
DELETE FROM orders WHERE id = 55;
INSERT INTO orders VALUES (7, 'behind the copy');
-- @ all along
INSERT INTO orders VALUES (100 + {n}, 'fleeting');
DELETE FROM orders WHERE id = 100 + {n};
UPDATE orders SET note = 'round {n}' WHERE id = 8;
