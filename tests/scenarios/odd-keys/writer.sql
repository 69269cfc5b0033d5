-- @ after the copy
UPDATE bin SET note = 'changed' WHERE id IN (x'00', x'FFFE', 'C3');
DELETE FROM texts WHERE id IN ('\'', '\\');
-- @ while replicating
UPDATE bin SET id = CONCAT(id, x'00') WHERE id = x'27';
UPDATE fixed SET note = 'seen' WHERE id = x'61000000';
DELETE FROM fixed WHERE id = x'00000000';
UPDATE texts SET id = '😀😀' WHERE id = '😀';
UPDATE pairs SET c = c + 1 WHERE a = x'00';
-- @ meanwhile
DELETE FROM bin WHERE id = '';
INSERT INTO bin VALUES (x'00FF00', 'new');
UPDATE texts SET note = 'seen' WHERE id = 'a\0b';
UPDATE pairs SET b = '\\' WHERE c < 0;
