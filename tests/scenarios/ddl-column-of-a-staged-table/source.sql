CREATE TABLE services (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, kind ENUM('a', 'b') NOT NULL DEFAULT 'a', title VARCHAR(20) NULL);
CREATE TABLE bookings (id INT PRIMARY KEY, service_id INT NULL);
INSERT INTO services VALUES (1, 'cut', 'a', NULL), (2, 'wash', 'b', NULL), (3, 'dye', 'a', 'Dye');
INSERT INTO bookings VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
