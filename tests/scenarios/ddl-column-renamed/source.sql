CREATE TABLE services (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, price INT NOT NULL DEFAULT 0);
INSERT INTO services VALUES (1, 'cut', 10), (2, 'wash', 20), (3, 'dye', 30);
