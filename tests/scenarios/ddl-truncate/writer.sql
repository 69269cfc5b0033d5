-- @ before the copy
TRUNCATE plain;
INSERT INTO plain VALUES (2, 'new b'), (5, 'e');
TRUNCATE TABLE services;
INSERT INTO services VALUES (2, 'wash again');
TRUNCATE TABLE children;
INSERT INTO children VALUES (2, 1), (4, 2);
-- @ while copying
TRUNCATE plain;
INSERT INTO plain VALUES (8, 'h');
-- @ after the copy
DELETE FROM parents WHERE id = 2;
TRUNCATE TABLE {source}.bookings;
INSERT INTO bookings VALUES (3, 2, 'x'), (7, 1, 'y');
INSERT INTO plain VALUES (6, 'f');
-- @ all along
INSERT INTO plain VALUES (100 + {n}, 'p{n}');
INSERT INTO bookings VALUES (100 + {n}, {n} MOD 3, CONCAT('s', {n} MOD 5));
UPDATE bookings SET service_id = 2 WHERE id = 90 + {n};
-- @ while replicating
INSERT INTO children VALUES (5, 1);
UPDATE parents SET id = 7 WHERE id = 1;
TRUNCATE `plain`;
INSERT INTO plain VALUES (1, 'first');
TRUNCATE TABLE services;
INSERT INTO services VALUES (1, 'cut, the second'), (9, 'nine');
TRUNCATE /* all */ TABLE bookings;
INSERT INTO bookings VALUES (1, 9, 'x');
