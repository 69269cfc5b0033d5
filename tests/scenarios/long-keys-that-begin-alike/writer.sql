-- @ while copying
INSERT INTO visits VALUES (100, CONCAT(REPEAT('x', 950), 'a'), CONCAT(REPEAT('y', 1500), 'a'), 1);
-- @ while replicating
INSERT INTO visits VALUES (101, CONCAT(REPEAT('x', 950), 'b'), CONCAT(REPEAT('y', 1500), 'b'), 2);
DELETE FROM visits WHERE id IN (1, 2, 3);
UPDATE visits SET page = CONCAT(REPEAT('x', 950), 'd'), digest = CONCAT(REPEAT('y', 1500), 'd') WHERE id BETWEEN 10 AND 20;
