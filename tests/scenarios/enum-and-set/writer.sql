-- @ after the copy
INSERT INTO choices SELECT id + 10, size, tags, many FROM choices WHERE id <> 5;
-- @ while replicating
INSERT INTO choices SELECT id + 20, size, tags, many FROM choices WHERE id < 5;
UPDATE choices SET size = 'medium', tags = 'a' WHERE id = 1;
UPDATE choices SET size = NULL WHERE size = 'large';
UPDATE by_size SET size = 'm' WHERE size = 'z' AND id = 2;
