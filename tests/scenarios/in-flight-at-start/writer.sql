-- @ before the run
-- session: early
BEGIN;
INSERT INTO orders VALUES (10, 'in flight');
UPDATE orders SET note = 'changed in flight' WHERE id = 1;
DELETE FROM orders WHERE id = 2;
-- session: late
BEGIN;
INSERT INTO orders VALUES (20, 'in flight, too');
-- session: undone
BEGIN;
INSERT INTO orders VALUES (30, 'never');
-- @ before the copy
-- session: early
COMMIT;
-- @ while copying
-- session: between
BEGIN;
INSERT INTO orders VALUES (40, 'begun in between');
-- session: swift
UPDATE orders SET note = 'swift' WHERE id = 3;
-- @ after the copy
-- session: between
COMMIT;
-- session: undone
ROLLBACK;
-- @ while replicating
-- session: late
COMMIT;
