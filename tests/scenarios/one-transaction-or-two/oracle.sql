-- table: bookings
SELECT b.id, s.title, t.name, b.note FROM bookings b LEFT JOIN services s ON s.id = b.service_id LEFT JOIN tenants t ON t.id = s.tenant_id;
-- table: services
SELECT s.id, s.title, COALESCE((SELECT GROUP_CONCAT(b.id ORDER BY b.note, b.id SEPARATOR ',') FROM bookings b WHERE b.service_id = s.id), '') FROM services s WHERE s.gone = 0;
