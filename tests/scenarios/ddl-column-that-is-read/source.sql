CREATE TABLE services (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, price INT NOT NULL DEFAULT 0);
CREATE TABLE bookings (id INT PRIMARY KEY, service_id INT NULL);
INSERT INTO services VALUES (1, 'cut', 10), (2, 'wash', 20), (3, 'dye', 30);
INSERT INTO bookings VALUES (1, 1), (2, 3);
