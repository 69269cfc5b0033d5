-- @ before the copy
DELETE FROM wide WHERE id = 9223372036854775807;
INSERT INTO wide VALUES (9223372036854775806, 'new highest');
DELETE FROM unsigned_keys WHERE id = 18446744073709551615;
-- @ after the copy
INSERT INTO wide VALUES (9223372036854775807, 'highest again');
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
UPDATE small SET id = 1 WHERE id = 0;
INSERT INTO small VALUES (0, 'a second zero');
INSERT INTO unsigned_keys VALUES (18446744073709551614, 'one less');
UPDATE medium SET id = 16777214 WHERE id = 16777215;
-- @ while replicating
DELETE FROM wide WHERE id = -9223372036854775808;
UPDATE wide SET id = -9223372036854775808, note = 'moved' WHERE id = 42;
UPDATE unsigned_keys SET note = 'seen' WHERE id > 9223372036854775807;
UPDATE small SET note = 'zero, too' WHERE id = 0;
DELETE FROM small WHERE id = 127;
INSERT INTO small VALUES (127, 'last');
