-- @ while replicating
INSERT INTO items VALUES (3, 'three', 3);
INSERT INTO items VALUES (4, 'a long name', 4);
INSERT INTO items VALUES (9, 'nine', 9);
