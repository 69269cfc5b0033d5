CREATE TABLE items (id INT PRIMARY KEY, cents INT, euros INT);
