-- table: services
SELECT s.id, COUNT(b.id) FROM services s LEFT JOIN bookings b ON b.service_id = s.id GROUP BY s.id;
-- table: bookings
SELECT b.id, s.name FROM bookings b LEFT JOIN services s ON s.id = b.service_id;
-- table: staff
SELECT MIN(staff), COUNT(*) FROM bookings GROUP BY staff;
