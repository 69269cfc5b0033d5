-- @ while replicating
INSERT INTO items VALUES (3, 'three', 3);
INSERT INTO items VALUES (4, NULL, 4);
INSERT INTO items VALUES (9, 'nine', 9);
