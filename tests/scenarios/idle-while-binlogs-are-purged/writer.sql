-- @ idle
INSERT INTO strangers VALUES (), ();
FLUSH BINARY LOGS;
INSERT INTO strangers VALUES (), ();
FLUSH BINARY LOGS;
-- @ purged
SET @now = NOW() + INTERVAL 1 DAY;
PURGE BINARY LOGS BEFORE @now;
INSERT INTO items VALUES (2, 'behind it');
