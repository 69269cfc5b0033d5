CREATE TABLE small (id TINYINT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20));
CREATE TABLE wide (id BIGINT PRIMARY KEY, note VARCHAR(20));
CREATE TABLE unsigned_keys (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20));
CREATE TABLE medium (id MEDIUMINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20));
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO small VALUES (-128, 'lowest'), (-1, 'minus one'), (0, 'zero'), (127, 'highest');
INSERT INTO wide VALUES (-9223372036854775808, 'lowest'), (0, 'zero'), (9223372036854775807, 'highest'), (42, 'lonely');
INSERT INTO unsigned_keys VALUES (0, 'zero'), (9223372036854775808, 'beyond the sign'), (18446744073709551615, 'highest');
INSERT INTO medium VALUES (0, 'zero'), (8388608, 'beyond the sign'), (16777215, 'highest');
