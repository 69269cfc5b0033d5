-- Compound keys that change and cascade, groups of several columns with and without related rows, keys filtered out.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE tenants (
  id tinyint NOT NULL COMMENT '0..7',
  name varchar(30) NOT NULL COMMENT 'word',
  PRIMARY KEY (id)
) COMMENT 'rows=7';

CREATE TABLE accounts (
  tenant tinyint NOT NULL COMMENT '0..7',
  number int NOT NULL COMMENT '-30..90',
  name varchar(30) NULL COMMENT 'word',
  kind enum('cash','debt','closed') NOT NULL,
  PRIMARY KEY (tenant, number),
  CONSTRAINT account_tenant FOREIGN KEY (tenant) REFERENCES tenants (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=800';

CREATE TABLE entries (
  tenant tinyint NOT NULL COMMENT '0..7',
  number int NOT NULL COMMENT '-30..90',
  seq bigint NOT NULL COMMENT '-4..12',
  amount decimal(12,2) NOT NULL COMMENT '-9999.99..9999.99',
  category varchar(16) COLLATE {ci} NULL COMMENT 'name 20',
  booked date NULL COMMENT 'day',
  PRIMARY KEY (tenant, number, seq),
  CONSTRAINT entry_account FOREIGN KEY (tenant, number) REFERENCES accounts (tenant, number) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=4500';

CREATE TABLE budgets (
  id int NOT NULL COMMENT '-9..200',
  tenant tinyint NULL COMMENT '0..7',
  category varchar(16) COLLATE {ci} NULL COMMENT 'name 20',
  amount decimal(12,2) NOT NULL COMMENT '0.00..999.99',
  PRIMARY KEY (id),
  CONSTRAINT budget_tenant FOREIGN KEY (tenant) REFERENCES tenants (id) ON DELETE SET NULL ON UPDATE SET NULL
) COMMENT 'rows=200';
