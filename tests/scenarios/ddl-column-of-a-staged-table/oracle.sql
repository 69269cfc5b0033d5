-- table: bookings
SELECT b.id, s.name, s.kind FROM bookings b LEFT JOIN services s ON s.id = b.service_id;
