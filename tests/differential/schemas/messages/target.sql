CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE posts (
  uid bigint unsigned NOT NULL, space varchar(30) NULL, body text NULL, answers varchar(300) NULL, stars int NOT NULL,
  reactions varchar(200) NOT NULL, PRIMARY KEY (uid)
);

CREATE TABLE space_totals (
  space_id int unsigned NOT NULL, name varchar(30) NULL, posts int NOT NULL, stars int NOT NULL, best bigint unsigned NOT NULL,
  PRIMARY KEY (space_id)
);

CREATE TABLE thread_totals (
  thread_id int NOT NULL, posts int NOT NULL, reactions bigint NOT NULL, PRIMARY KEY (thread_id)
);

CREATE TABLE reactions (
  uid bigint unsigned NOT NULL, kind smallint NOT NULL, amount mediumint unsigned NOT NULL, PRIMARY KEY (kind, uid)
);

CREATE TABLE space_posts (
  space_id int unsigned NOT NULL, name varchar(30) NOT NULL, posts int NOT NULL, last_body text NULL, PRIMARY KEY (space_id)
);
