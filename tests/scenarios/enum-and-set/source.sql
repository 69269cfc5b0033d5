CREATE TABLE choices (id INT PRIMARY KEY, size ENUM('large', 'small', 'medium', 'it''s') CHARACTER SET utf8mb4 NULL, tags SET('z', 'a', 'é', 'b c') NULL, many SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
CREATE TABLE by_size (size ENUM('z', 'a', 'm') NOT NULL, id INT NOT NULL, PRIMARY KEY (size, id));
SET sql_mode = '';
INSERT INTO choices VALUES (1, 'large', '', ''), (2, 'small', 'z,a', 1), (3, 'it''s', 'é,b c', 18446744073709551615), (4, 'medium', NULL, 9223372036854775808) /*!80000 , (5, 'wrong', 'z,a,é,b c', 3) */;
INSERT INTO by_size VALUES ('z', 1), ('a', 1), ('m', 1), ('z', 2);
