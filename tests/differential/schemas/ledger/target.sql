CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE cash_accounts (
  tenant tinyint unsigned NOT NULL, number int unsigned NOT NULL, name varchar(30) NOT NULL, PRIMARY KEY (tenant, number)
);

CREATE TABLE balances (
  tenant tinyint unsigned NOT NULL, number int unsigned NOT NULL, tenant_name varchar(30) NOT NULL, kind varchar(10) NOT NULL,
  balance decimal(20,2) NOT NULL, entries int NOT NULL, last_seq bigint NULL, PRIMARY KEY (tenant, number)
);

CREATE TABLE statement_lines (
  tenant tinyint NOT NULL, number int NOT NULL, seq bigint NOT NULL, amount decimal(12,2) NOT NULL, side char(1) NOT NULL,
  booked date NULL, PRIMARY KEY (number, tenant, seq)
);

CREATE TABLE account_totals (
  tenant tinyint NOT NULL, number int NOT NULL, entries int NOT NULL, total decimal(20,2) NOT NULL, first_seq bigint NOT NULL,
  first_amount decimal(12,2) NOT NULL, PRIMARY KEY (tenant, number)
);

CREATE TABLE categories (
  tenant tinyint NOT NULL, category varchar(16) COLLATE {ci} NOT NULL, tenant_name varchar(30) NULL, entries int NOT NULL,
  total decimal(20,2) NOT NULL, budgets varchar(2000) NOT NULL, PRIMARY KEY (tenant, category)
);

CREATE TABLE days (
  first_tenant tinyint NOT NULL, first_number int NOT NULL, first_seq bigint NOT NULL, booked date NULL, entries int NOT NULL,
  PRIMARY KEY (first_tenant, first_number, first_seq), UNIQUE KEY booked (booked)
);
