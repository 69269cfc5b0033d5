-- @ before the copy
INSERT INTO members VALUES (1, 'RED', 'f');
-- @ after the copy
DELETE FROM members WHERE id = 1;
INSERT INTO members VALUES (2, 'BLUE', 'g');
-- @ all along
REPLACE INTO members VALUES (9 - {n} MOD 5, ELT(1 + {n} MOD 4, 'rED', 'BLue', 'green', 'Green '), 'r{n}');
UPDATE members SET team = ELT(1 + {n} MOD 3, 'reD', 'RED ', 'Blue') WHERE id = 10;
-- @ while replicating
DELETE FROM members WHERE id = 2;
UPDATE members SET team = 'ReD' WHERE id = 11;
INSERT INTO members VALUES (3, 'bLUE', 'h');
INSERT INTO members VALUES (39, 'GREY', 'k');
