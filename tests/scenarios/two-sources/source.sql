CREATE TABLE calls (id INT PRIMARY KEY, body VARCHAR(40) NOT NULL);
CREATE TABLE hooks (id INT PRIMARY KEY, body VARCHAR(40) NOT NULL);
INSERT INTO calls VALUES (1, 'call 1'), (2, 'call 2');
INSERT INTO hooks VALUES (1, 'hook 1'), (2, 'hook 2'), (3, 'hook 3');
