CREATE TABLE seats (id INT PRIMARY KEY, code VARCHAR(10) NULL, UNIQUE KEY (code));
INSERT INTO seats VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL), (5, NULL);
