-- @ while replicating
INSERT INTO people VALUES (3, 'c');
INSERT IGNORE INTO people VALUES (4, 'c');
-- @ the key goes
ALTER TABLE {target}.people DROP KEY one_email;
