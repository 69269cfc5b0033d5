CREATE TABLE orders (code VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, part INT NOT NULL, note VARCHAR(20), PRIMARY KEY (code, part));
CREATE TABLE lines_of (id INT PRIMARY KEY, code VARCHAR(20) COLLATE utf8mb4_general_ci NULL, part INT NULL, KEY (code, part), FOREIGN KEY (code, part) REFERENCES orders (code, part) ON DELETE SET NULL ON UPDATE CASCADE);
INSERT INTO orders VALUES ('a', 1, 'one'), ('b', 1, 'two'), ('c', 1, 'three');
INSERT INTO lines_of VALUES (1, 'A', 1), (2, 'á', 1), (3, 'B', 1), (4, 'C', 1), (5, NULL, NULL);
