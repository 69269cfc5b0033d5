-- table: services
SELECT id, '?', price FROM services;
-- table: bookings
SELECT b.id, s.price FROM bookings b LEFT JOIN services s ON s.id = b.service_id;
