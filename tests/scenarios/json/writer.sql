-- @ after the copy
INSERT INTO documents SELECT id + 100, doc FROM documents;
-- @ while replicating
INSERT INTO documents SELECT id + 200, doc FROM documents WHERE id < 20;
UPDATE documents SET doc = JSON_SET(doc, '$.c.d', 'changed', '$.new', JSON_ARRAY(1, NULL)) WHERE id IN (5, 105);
UPDATE documents SET doc = NULL WHERE id IN (1, 101);
UPDATE documents SET doc = 'null' WHERE id = 2;
