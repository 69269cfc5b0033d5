-- @ after the copy
INSERT INTO files SELECT id + 10, name, raw, content FROM files WHERE id < 3;
-- @ while replicating
INSERT INTO files SELECT id + 20, name, content, raw FROM files WHERE id < 4;
UPDATE files SET name = 'other' WHERE id > 1;
UPDATE files SET content = CONCAT(content, 'y') WHERE id = 2;
