CREATE TABLE plain (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE services (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE bookings (id INT PRIMARY KEY, service_id INT NULL, staff VARCHAR(10) NOT NULL);
INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO services VALUES (1, 'cut'), (2, 'wash');
INSERT INTO bookings VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'x'), (4, NULL, 'z');
