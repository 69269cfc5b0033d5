-- char(36), binary and varbinary keys; unique secondary keys whose values wander between rows; merges and splits.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE customers (
  id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'uuid 400',
  email varchar(60) NOT NULL COMMENT 'name 700',
  vip tinyint(1) NOT NULL COMMENT '0..1',
  parent char(36) CHARACTER SET ascii COLLATE ascii_general_ci NULL COMMENT 'uuid 400',
  PRIMARY KEY (id),
  UNIQUE KEY email (email)
) COMMENT 'rows=500';

CREATE TABLE parcels (
  id binary(16) NOT NULL COMMENT 'bytes 1500',
  customer_id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'uuid 400',
  code varchar(20) NOT NULL COMMENT 'name 3000',
  weight int NOT NULL COMMENT '0..999',
  pieces tinyint NOT NULL COMMENT '0..4',
  PRIMARY KEY (id),
  UNIQUE KEY code (code),
  CONSTRAINT parcel_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=2500';

CREATE TABLE letters (
  id binary(16) NOT NULL COMMENT 'bytes 1500',
  customer_id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NULL COMMENT 'uuid 400',
  code varchar(20) NOT NULL COMMENT 'name 2000',
  priority int NULL COMMENT '-3..3',
  PRIMARY KEY (id),
  UNIQUE KEY code (code),
  CONSTRAINT letter_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE
) COMMENT 'rows=1500';

CREATE TABLE labels (
  token varbinary(12) NOT NULL COMMENT 'bytes 900',
  parcel_id binary(16) NULL COMMENT 'bytes 1500',
  printed datetime(3) NULL COMMENT 'moment',
  PRIMARY KEY (token)
) COMMENT 'rows=1000';

CREATE TABLE documents (
  id int NOT NULL COMMENT '-20..800',
  kind enum('draft','invoice','order') NOT NULL,
  code varchar(20) NULL COMMENT 'name 1500',
  amount decimal(8,2) NOT NULL COMMENT '-999.99..999.99',
  customer_id char(36) CHARACTER SET ascii COLLATE ascii_general_ci NULL COMMENT 'uuid 450',
  PRIMARY KEY (id),
  UNIQUE KEY code (code)
) COMMENT 'rows=1200';
