-- @ all along
UPDATE orders SET part = 100 + {n} WHERE code = 'c';
-- @ while replicating
UPDATE orders SET part = 2 WHERE code = 'a';
UPDATE orders SET code = 'bb' WHERE code = 'b';
UPDATE orders SET code = 'Å', part = 3 WHERE code = 'a';
