CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE authors (
  code varchar(20) COLLATE {ci} NOT NULL, name varchar(40) NOT NULL, born smallint NULL, PRIMARY KEY (code)
);

CREATE TABLE author_works (
  code varchar(20) COLLATE {ci} NOT NULL, books int NOT NULL, titles text NOT NULL, PRIMARY KEY (code)
);

CREATE TABLE works (
  isbn char(13) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, author varchar(40) NULL, author_born smallint NULL,
  room int NULL, genre varchar(24) NULL, pages int NOT NULL, PRIMARY KEY (isbn)
);

CREATE TABLE genres (
  first_isbn char(13) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, genre varchar(24) COLLATE {ci} NULL,
  books int NOT NULL, pages int NOT NULL, PRIMARY KEY (first_isbn), KEY (genre)
);

CREATE TABLE readers (
  reader varchar(20) COLLATE {ci} NOT NULL, loans int NOT NULL, days int NOT NULL, books text NOT NULL, PRIMARY KEY (reader)
);
