-- @ all along
UPDATE services SET title = 'hot {n}' WHERE id = 1;
UPDATE tenants SET name = 'hot {n}' WHERE id = 1;
-- @ while replicating
UPDATE services SET tenant_id = 2 WHERE id = 1;
UPDATE bookings SET service_id = 2 WHERE id > 1500;
DELETE FROM services WHERE id = 1;
