-- @ all along
UPDATE services SET name = 'cut {n}' WHERE id = 1;
INSERT INTO bookings (id, service_id, note) VALUES (100 + {n}, {n} MOD 4, 'n{n}');
UPDATE bookings SET service_id = 1 + {n} MOD 3 WHERE id = 3;

-- @ after the copy
ALTER TABLE bookings ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT 'red, or blue' FIRST;
-- @ while replicating
ALTER TABLE services ADD (stars INT NULL, place POINT NULL), ADD COLUMN hidden INT DEFAULT 4 AFTER id, ADD INDEX (stars);
INSERT INTO services (id, name, stars) VALUES (7, 'new', 5);
ALTER TABLE services DROP price, DROP COLUMN stars;
ALTER TABLE bookings MODIFY old_flag VARCHAR(20), CHANGE COLUMN colour color TEXT;
UPDATE bookings SET old_flag = 'x', color = 'y' WHERE id < 3;
INSERT INTO bookings (id, service_id, note, color) VALUES (90, 7, 'wide', 'z');
ALTER TABLE bookings RENAME COLUMN old_flag TO older_flag, DROP COLUMN color;
DELETE FROM bookings WHERE id = 4;
