-- @ all along
INSERT INTO log (text) VALUES ('x{n}'), ('y{n}'), ('z{n}');
INSERT INTO vacant (text) SELECT text FROM log WHERE id > {n} * 3 - 2;
DELETE FROM log WHERE id = {n} * 2;
-- @ after the copy
INSERT INTO log VALUES (1000000, 'far behind');
