CREATE TABLE days (priority INT NOT NULL, branch_id INT NOT NULL, id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE branches (id INT PRIMARY KEY, _table VARCHAR(20), _index VARCHAR(20), `count` INT, `index` INT, __slots__ VARCHAR(20));
INSERT INTO branches VALUES (1, 'a', 'b', 1, 2, 'c'), (2, NULL, 'd', 3, 4, 'e');
INSERT INTO days VALUES (9, 1, 1, 'last'), (1, 1, 2, 'first'), (5, 1, 3, 'middle'), (7, 2, 4, 'only');
