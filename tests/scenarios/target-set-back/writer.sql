-- @ while replicating
INSERT INTO items VALUES (2, 'two');
-- @ set back
UPDATE {state}.checkpoint SET pos = 4;
INSERT INTO items VALUES (3, 'three');
