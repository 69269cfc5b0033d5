CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE clients (
  id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, contact varchar(60) NOT NULL,
  PRIMARY KEY (id), UNIQUE KEY contact (contact)
);

CREATE TABLE client_parcels (
  client_id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, contact varchar(60) NOT NULL,
  parent_contact varchar(60) NULL, parcels int NOT NULL, codes json NOT NULL,
  PRIMARY KEY (client_id), UNIQUE KEY contact (contact)
);

CREATE TABLE shipments (
  kind varchar(8) NOT NULL, source_id binary(16) NOT NULL, code varchar(20) NOT NULL, contact varchar(60) NULL,
  weight int NULL, priority int NULL, PRIMARY KEY (kind, source_id), UNIQUE KEY kind_code (kind, code)
);

CREATE TABLE pieces (
  parcel_id binary(16) NOT NULL, number tinyint NOT NULL, weight int NOT NULL, code varchar(30) NOT NULL,
  PRIMARY KEY (parcel_id, number), UNIQUE KEY code (code)
);

CREATE TABLE prints (
  token varbinary(12) NOT NULL, printed datetime(3) NOT NULL, weight int NULL, PRIMARY KEY (token)
);

CREATE TABLE papers (
  kind varchar(8) NOT NULL, id int NOT NULL, code varchar(20) NULL, amount decimal(8,2) NOT NULL, contact varchar(60) NULL,
  PRIMARY KEY (kind, id), UNIQUE KEY code (code)
);
