-- @ the state is hidden
INSERT INTO items VALUES (3, 'while nothing ran');
ALTER TABLE {state}.migration RENAME COLUMN phase TO hidden;
-- @ the state is back
ALTER TABLE {state}.migration RENAME COLUMN hidden TO phase;
