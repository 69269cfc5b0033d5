-- @ while replicating
-- session: report
SET SESSION binlog_format = STATEMENT;
CREATE TEMPORARY TABLE items (id INT PRIMARY KEY);
TRUNCATE TABLE items;
-- session: main
INSERT INTO items VALUES (3, 'three');
