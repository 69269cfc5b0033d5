-- @ before the copy
UPDATE tenants SET name = 'new north' WHERE id = 1;
DELETE FROM services WHERE id = 2;
INSERT INTO services VALUES (9, 2, 'late', 0);
-- @ while copying
UPDATE services SET tenant_id = 2, title = 'in between' WHERE id = 4;
UPDATE bookings SET service_id = 4 WHERE id = 4;
DELETE FROM services WHERE id = 5;
-- @ after the copy
UPDATE services SET title = 'changed' WHERE id = 1;
INSERT INTO services VALUES (2, 2, 'is back', 0);
-- @ all along
UPDATE tenants SET name = 'north {n}' WHERE id = 1;
UPDATE bookings SET service_id = 1 + {n} MOD 5 WHERE id = 3;
DELETE FROM services WHERE id = 3;
INSERT INTO services VALUES (3, 1 + {n} MOD 3, 'dye {n}', 0);
-- @ while replicating
INSERT INTO tenants VALUES (9, 'after its referrer');
UPDATE services SET tenant_id = 2 WHERE id = 1;
DELETE FROM tenants WHERE id = 2;
UPDATE services SET id = 10 WHERE id = 9;
UPDATE services SET id = 9 WHERE id = 4;
INSERT INTO tenants VALUES (2, 'south again');
UPDATE bookings SET note = 'A' WHERE id = 2;
DELETE FROM bookings WHERE id = 1;
