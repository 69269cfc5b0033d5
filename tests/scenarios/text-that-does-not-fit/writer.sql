-- @ while replicating
INSERT INTO texts VALUES (2, '€'), (3, '中');
-- @ the column grows
ALTER TABLE {target}.texts MODIFY name VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL;
