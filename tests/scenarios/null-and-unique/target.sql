CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(20) NULL, UNIQUE KEY (email));
CREATE TABLE no_primary (code VARCHAR(10) NOT NULL, area INT NOT NULL, note VARCHAR(20) NULL, PRIMARY KEY (code, area), UNIQUE KEY by_note (note));
