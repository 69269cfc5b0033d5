CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(20) NOT NULL, UNIQUE KEY one_email (email));
