CREATE TABLE texts (id INT PRIMARY KEY, a VARCHAR(20) CHARACTER SET latin1, b VARCHAR(20) CHARACTER SET gbk, c VARCHAR(20) CHARACTER SET ascii, d VARCHAR(20) CHARACTER SET utf8mb3, e VARCHAR(20) CHARACTER SET utf16, f TEXT CHARACTER SET utf8mb4, g VARCHAR(20) CHARACTER SET cp1251, h CHAR(10) CHARACTER SET latin1);
INSERT INTO texts VALUES (1, 'é€', '中文', 'plain', 'ü', '😀', '😀 é', 'Привет', 'ß');
INSERT INTO texts VALUES (2, '', '', '', '', '', '', '', '');
INSERT INTO texts VALUES (3, CONVERT(x'8190' USING latin1), 'a', 'b', 'c', 'd', 'e', 'f', CONVERT(x'8d' USING latin1));
INSERT INTO texts (id) VALUES (4);
