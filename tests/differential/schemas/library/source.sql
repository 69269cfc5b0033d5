-- Text keys that compare by a case-insensitive collation: as primary keys, foreign keys, join keys and group keys.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE authors (
  code varchar(20) COLLATE {ci} NOT NULL COMMENT 'name 90',
  name varchar(40) NOT NULL COMMENT 'word',
  born smallint NULL COMMENT '1900..2000',
  PRIMARY KEY (code)
) COMMENT 'rows=200';

CREATE TABLE shelves (
  label varchar(16) COLLATE {ci} NOT NULL COMMENT 'name 30',
  room int NOT NULL COMMENT '1..9',
  PRIMARY KEY (label)
) COMMENT 'rows=60';

CREATE TABLE books (
  isbn char(13) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'name 1800',
  author_code varchar(20) COLLATE {ci} NULL COMMENT 'name 90',
  shelf varchar(16) COLLATE {ci} NULL COMMENT 'name 40',
  title varchar(40) COLLATE {ci} NOT NULL COMMENT 'word',
  genre varchar(24) COLLATE {ci} NULL COMMENT 'word',
  pages int NOT NULL COMMENT '1..999',
  PRIMARY KEY (isbn),
  CONSTRAINT book_author FOREIGN KEY (author_code) REFERENCES authors (code) ON DELETE SET NULL ON UPDATE CASCADE
) COMMENT 'rows=1400';

CREATE TABLE loans (
  id bigint NOT NULL COMMENT '0..4000',
  isbn char(13) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'name 1800',
  reader varchar(20) COLLATE {ci} NULL COMMENT 'name 700',
  days int NOT NULL COMMENT '0..60',
  PRIMARY KEY (id),
  KEY reader (reader),
  CONSTRAINT loan_book FOREIGN KEY (isbn) REFERENCES books (isbn) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=1600';
