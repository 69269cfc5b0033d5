-- table: services
SELECT id, name FROM services;
-- table: bookings
SELECT b.id, s.name, b.note FROM bookings b LEFT JOIN services s ON s.id = b.service_id;
