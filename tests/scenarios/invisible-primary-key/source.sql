SET sql_generate_invisible_primary_key = ON;
CREATE TABLE log (text VARCHAR(20));
INSERT INTO log VALUES ('a'), ('a'), (NULL);
