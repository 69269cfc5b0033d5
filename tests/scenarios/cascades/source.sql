CREATE TABLE companies (id INT PRIMARY KEY);
CREATE TABLE branches (id INT PRIMARY KEY, company_id INT NULL, name VARCHAR(20), FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE staff (id INT PRIMARY KEY, branch_id INT NULL, boss INT NULL, /*M! FOREIGN KEY (boss) REFERENCES staff (id) ON DELETE CASCADE, */ FOREIGN KEY (branch_id) REFERENCES branches (id) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE shifts (id INT PRIMARY KEY, staff_id INT NOT NULL, branch_id INT NULL, FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE, FOREIGN KEY (branch_id) REFERENCES branches (id) ON DELETE CASCADE);
INSERT INTO companies VALUES (1), (2), (3);
INSERT INTO branches VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, NULL, 'd'), (5, 3, 'e');
INSERT INTO staff VALUES (1, 1, NULL), (2, 1, 1), (3, 2, 2), (4, 3, NULL), (5, 3, 4), (6, 4, NULL), (7, 5, 6);
INSERT INTO shifts VALUES (1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 4, 3), (5, 5, 3), (6, 6, NULL), (7, 7, 5);
