CREATE TABLE items (id INT PRIMARY KEY, price DECIMAL(10,4) NOT NULL, note VARCHAR(20), cents INT AS (ROUND(price * 100)) STORED, euros INT AS (FLOOR(cents / 100)) VIRTUAL);
INSERT INTO items (id, price) VALUES (1, 1.2345), (2, 9.8765);
