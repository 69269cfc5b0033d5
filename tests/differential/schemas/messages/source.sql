-- A table without a primary key but with a unique one at the limits of its type, hot units, and a chain of cascades whose
-- middle link (threads) is read by nobody.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE spaces (
  id int unsigned NOT NULL COMMENT '4294967290..4294967295',
  name varchar(30) NOT NULL COMMENT 'word',
  PRIMARY KEY (id)
) COMMENT 'rows=6';

CREATE TABLE threads (
  id int NOT NULL COMMENT '1..60',
  space_id int unsigned NULL COMMENT '4294967290..4294967295',
  PRIMARY KEY (id),
  CONSTRAINT thread_space FOREIGN KEY (space_id) REFERENCES spaces (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=60';

CREATE TABLE messages (
  uid bigint unsigned NOT NULL COMMENT '18446744073709549600..18446744073709551615',
  thread_id int NULL COMMENT '1..60',
  space_id int unsigned NOT NULL COMMENT '4294967290..4294967295',
  reply_to bigint unsigned NULL COMMENT '18446744073709549600..18446744073709551615',
  stars int NOT NULL COMMENT '-5..5',
  body text NULL COMMENT 'word',
  UNIQUE KEY uid (uid),
  CONSTRAINT message_thread FOREIGN KEY (thread_id) REFERENCES threads (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=2500';

CREATE TABLE reactions (
  uid bigint unsigned NOT NULL COMMENT '18446744073709549600..18446744073709551615',
  kind smallint NOT NULL COMMENT '-3..3',
  amount mediumint unsigned NOT NULL COMMENT '0..16777215',
  PRIMARY KEY (uid, kind),
  CONSTRAINT reaction_message FOREIGN KEY (uid) REFERENCES messages (uid) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=3000';
