CREATE TABLE pages (path TEXT CHARACTER SET utf8mb4 NOT NULL, title VARCHAR(20), PRIMARY KEY (path(12)));
CREATE TABLE files (name VARCHAR(1000) CHARACTER SET utf8mb4 NOT NULL, size INT, PRIMARY KEY (name(8)));
CREATE TABLE blobs (hash BLOB NOT NULL, kind INT NOT NULL, PRIMARY KEY (hash(4), kind));
CREATE TABLE visits (id INT PRIMARY KEY, path VARCHAR(200), name VARCHAR(200), hash VARBINARY(20));
INSERT INTO pages VALUES ('/', 'start'), ('/a/long/path/to', 'deep'), ('/ä', 'letter');
INSERT INTO files VALUES ('a', 1), (REPEAT('b', 900), 2);
INSERT INTO blobs VALUES (x'00', 1), (x'00', 2), (REPEAT('z', 2000), 3);
INSERT INTO visits VALUES (1, '/', 'a', x'00'), (2, '/a/long/path/to', NULL, 'z'), (3, '/nowhere', 'b', NULL);
