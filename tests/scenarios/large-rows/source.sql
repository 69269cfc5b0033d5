CREATE TABLE files (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, content LONGTEXT NULL, raw LONGBLOB NULL);
INSERT INTO files VALUES (1, 'small', 'x', NULL), (2, 'large', REPEAT('ä\'\\', 500000), NULL), (3, 'raw', NULL, REPEAT(x'00FF27', 400000));
