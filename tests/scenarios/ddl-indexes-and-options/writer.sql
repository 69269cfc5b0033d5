-- @ all along
UPDATE services SET name = 'cut {n}' WHERE id = 1;
INSERT INTO bookings (id, service_id, note) VALUES (100 + {n}, {n} MOD 4, 'n{n}');
UPDATE bookings SET service_id = 1 + {n} MOD 3 WHERE id = 3;

-- @ before the copy
CREATE INDEX by_note ON bookings (note);
-- @ after the copy
ALTER TABLE services ADD KEY by_price (price), COMMENT = 'a, b; DROP COLUMN name';
-- @ while replicating
ALTER TABLE bookings ADD UNIQUE KEY once (id, note), DROP KEY by_note, ALGORITHM = INPLACE, LOCK = NONE;
CREATE UNIQUE INDEX twice ON bookings (id, service_id);
DROP INDEX twice ON bookings;
ALTER TABLE services RENAME INDEX by_price TO price_first, AUTO_INCREMENT = 500 ROW_FORMAT = DYNAMIC STATS_PERSISTENT = 1;
ALTER TABLE services ALTER COLUMN price SET DEFAULT 7, ENGINE = InnoDB;
ALTER TABLE services ALTER price DROP DEFAULT;
ALTER TABLE services ADD CONSTRAINT positive CHECK (price >= 0), DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
ALTER TABLE services /* DROP COLUMN name */ FORCE -- , ADD COLUMN
;
