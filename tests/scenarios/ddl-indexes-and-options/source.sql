CREATE TABLE services (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, price INT NOT NULL DEFAULT 0);
CREATE TABLE bookings (id INT PRIMARY KEY, service_id INT NULL, note VARCHAR(40) NULL, old_flag INT NULL, KEY (service_id));
INSERT INTO services VALUES (1, 'cut', 10), (2, 'wash', 20), (3, 'dye', 30);
INSERT INTO bookings VALUES (1, 1, 'a', 0), (2, 1, 'b', 1), (3, 2, NULL, 0), (4, NULL, 'd', 1);
