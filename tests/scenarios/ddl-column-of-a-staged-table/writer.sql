-- @ while replicating
UPDATE services SET name = 'before' WHERE id = 1;
ALTER TABLE services MODIFY name VARCHAR(60) NOT NULL, MODIFY kind ENUM('a', 'b', 'c') NOT NULL DEFAULT 'a';
UPDATE services SET name = 'a name that is longer than the column was', kind = 'c' WHERE id = 2;
UPDATE bookings SET service_id = 2 WHERE id = 1;
-- @ read another
UPDATE bookings SET service_id = 3 WHERE id = 1;
