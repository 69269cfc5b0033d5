-- @ after the copy
TRUNCATE server;
INSERT INTO server VALUES (3, 'behind it');
-- @ while replicating
INSERT INTO user VALUES (3, 'before it');
truncate user;
TRUNCATE /* not a */ role;
INSERT INTO user VALUES (4, 'behind it');
CREATE USER {target}@localhost;
DROP USER {target}@localhost;
