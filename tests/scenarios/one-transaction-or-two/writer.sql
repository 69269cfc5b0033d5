-- @ after the copy
BEGIN;
UPDATE tenants SET name = 'first' WHERE id = 2;
UPDATE services SET tenant_id = 2 WHERE id = 1;
UPDATE bookings SET service_id = 1 WHERE id = 5;
COMMIT;
-- @ all along
BEGIN;
INSERT INTO bookings VALUES (100 + {n}, 100 + {n}, 'n');
INSERT INTO services VALUES (100 + {n}, 100 + {n}, 'n', 0);
INSERT INTO tenants VALUES (100 + {n}, 'n{n}');
COMMIT;
UPDATE bookings SET note = 'm' WHERE id = 100 + {n};
UPDATE tenants SET name = 'm{n}' WHERE id = 100 + {n};
UPDATE services SET gone = 1 WHERE id = 99 + {n};
-- @ while replicating
BEGIN;
DELETE FROM tenants WHERE id = 1;
UPDATE bookings SET service_id = 2 WHERE id = 1;
UPDATE services SET title = 'x', tenant_id = 2 WHERE id = 2;
UPDATE tenants SET name = 'second' WHERE id = 2;
INSERT INTO tenants VALUES (1, 'back');
COMMIT;
BEGIN;
UPDATE services SET id = 77 WHERE id = 1;
UPDATE bookings SET service_id = 77 WHERE service_id = 1;
UPDATE tenants SET id = 66 WHERE id = 2;
UPDATE services SET tenant_id = 66 WHERE tenant_id = 2;
COMMIT;
