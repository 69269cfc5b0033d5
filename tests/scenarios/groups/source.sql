CREATE TABLE skills (id INT PRIMARY KEY, staff VARCHAR(10) NULL, rank_ INT NOT NULL, name VARCHAR(10) NOT NULL);
INSERT INTO skills VALUES (1, 'ann', 1, 'cut'), (2, 'ann', 2, 'dye'), (3, 'bob', 1, 'wash'), (4, NULL, 1, 'sweep'), (5, NULL, 2, 'wait'), (6, 'cid', 1, 'cut');
