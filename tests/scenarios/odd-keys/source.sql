CREATE TABLE bin (id VARBINARY(20) PRIMARY KEY, note VARCHAR(20));
CREATE TABLE fixed (id BINARY(4) PRIMARY KEY, note VARCHAR(20));
CREATE TABLE texts (id VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, note VARCHAR(20));
CREATE TABLE pairs (a VARBINARY(10), b CHAR(10) CHARACTER SET utf8mb4, c DECIMAL(20, 5), d DATETIME(6), note VARCHAR(20), PRIMARY KEY (a, b, c, d));
INSERT INTO bin VALUES ('', 'empty'), (x'00', 'nul'), (x'0000', 'two'), (x'27', 'quote'), (x'5C', 'backslash'), (x'FFFE', 'no text'), ('0xAB', 'looks like hex'), (x'AB', 'is hex'), (x'C3', 'half a letter');
INSERT INTO fixed VALUES ('', 'zeros'), (x'61', 'a'), (x'61000000', 'never') ON DUPLICATE KEY UPDATE note = 'the same';
INSERT INTO fixed VALUES (x'00000001', 'one'), (x'FF000000', 'high');
INSERT INTO texts VALUES ('', 'empty'), ('\'', 'quote'), ('"', 'double'), ('\\', 'backslash'), ('a\0b', 'nul'), ('😀', 'emoji'), ('%s', 'format'), ('null', 'word'), ('a'' OR 1 = 1 -- ', 'injected'), ('\n', 'line');
INSERT INTO pairs VALUES (x'00', '\'', 1.5, '2026-01-01 00:00:00.000001', 'a'), (x'00', '\'', 1.50001, '2026-01-01', 'b'), ('', '', -0.00001, '1000-01-01', 'c');
