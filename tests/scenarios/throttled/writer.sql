-- @ meanwhile
INSERT INTO items VALUES (2, 'while it waits');
