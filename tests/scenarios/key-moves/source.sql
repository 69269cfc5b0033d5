CREATE TABLE places (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO places SELECT 10 * seq, CONCAT('place ', seq) FROM (WITH RECURSIVE numbers AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 900) SELECT seq FROM numbers) AS n;
