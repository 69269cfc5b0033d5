CREATE TABLE `odd#name -- x` (id INT PRIMARY KEY, `a, b` VARCHAR(20) NOT NULL);
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO `odd#name -- x` VALUES (1, 'one');
INSERT INTO items VALUES (1, 'one');
