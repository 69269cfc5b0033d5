CREATE TABLE companies (id int PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE customers (
  id int AUTO_INCREMENT PRIMARY KEY, company_id int NULL, tenant_id int NULL, name varchar(40) NOT NULL,
  role varchar(20) NULL, secret varchar(40) NOT NULL DEFAULT 'none', KEY (company_id),
  CONSTRAINT customers_company FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE);
CREATE TABLE notes (
  id int AUTO_INCREMENT PRIMARY KEY, customer_id int NULL, company_id int NULL, KEY (customer_id), KEY (company_id),
  CONSTRAINT notes_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  CONSTRAINT notes_company FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE SET NULL);
CREATE TABLE services (
  id int AUTO_INCREMENT PRIMARY KEY, name varchar(40) NOT NULL, deleted_at datetime NULL, extra int NOT NULL DEFAULT 7);
CREATE TABLE bookings (
  id int AUTO_INCREMENT PRIMARY KEY, service_id int NULL, note varchar(40) NOT NULL, secret varchar(40) NOT NULL DEFAULT 'none');
CREATE TABLE branches (
  id char(8) PRIMARY KEY, name varchar(40) NOT NULL, secret varchar(40) NOT NULL DEFAULT 'none',
  stamp timestamp NOT NULL DEFAULT '2001-01-01' ON UPDATE CURRENT_TIMESTAMP);
CREATE TABLE hours (
  id int AUTO_INCREMENT PRIMARY KEY, branch_id char(8) NOT NULL, staff int NULL, day int NOT NULL, opens int NOT NULL);
CREATE TABLE people (
  id int PRIMARY KEY, name varchar(40) NOT NULL, street varchar(40) NULL, city varchar(40) NULL,
  secret varchar(40) NOT NULL DEFAULT 'none');
CREATE TABLE mails (id int AUTO_INCREMENT PRIMARY KEY, body varchar(40) NOT NULL, state varchar(20) NOT NULL DEFAULT 'new');
CREATE TABLE hooks (
  id int AUTO_INCREMENT PRIMARY KEY, kind varchar(20) NOT NULL, body varchar(40) NOT NULL, secret varchar(40) NOT NULL DEFAULT 'none');
CREATE TABLE skills (
  id int AUTO_INCREMENT PRIMARY KEY, staff_id int NOT NULL, skill varchar(20) NOT NULL, UNIQUE KEY (staff_id, skill));
CREATE TABLE regions (id int PRIMARY KEY, code varchar(8) NOT NULL, UNIQUE KEY (code));
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, region_id int NULL, total decimal(10,2) NOT NULL);
CREATE TABLE sessions (id int PRIMARY KEY);

INSERT INTO companies VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
INSERT INTO customers (company_id, tenant_id, name, role, secret) VALUES
  (1, NULL, 'Ada', 'admin', 's1'), (NULL, 2, 'Bob', 'manager', 's2'), (3, 9, 'Cem', NULL, 's3'), (NULL, NULL, 'Dua', 'admin', 's4'),
  (2, 1, 'Eli', 'Admin', 's5'), (4, NULL, 'Fay', 'admin', 's6'), (4, NULL, 'Gus', 'cook', 's7');
INSERT INTO notes (customer_id, company_id) VALUES (1, 1), (2, 4), (6, 1), (NULL, NULL);
INSERT INTO services (name, deleted_at, extra) VALUES
  ('Cut', NULL, 1), ('Old Cut', '2020-01-01', 2), ('Wash', NULL, 3), ('Dye It', NULL, 4), ('Gone', '2021-01-01', 5);
INSERT INTO bookings (service_id, note, secret) VALUES
  (1, 'a', 'b1'), (2, 'b', 'b2'), (3, 'c', 'b3'), (NULL, 'd', 'b4'), (1000000, 'e', 'b5'), (4, 'f', 'b6'), (4, 'g', 'b7');
INSERT INTO branches (id, name, secret) VALUES ('north', 'North', 'n'), ('south', 'South', 's'), ('west', 'West', 'w');
INSERT INTO hours (branch_id, staff, day, opens) VALUES
  ('north', 1, 1, 9), ('north', 2, 1, 9), ('north', NULL, 2, 10), ('north', 1, 9, 3), ('south', 1, 1, 8), ('lost', 1, 1, 8);
INSERT INTO people VALUES
  (1, 'Ann', 'Elm 1', 'Ulm', 'p1'), (2, 'Ben', NULL, 'Rom', 'p2'), (3, 'Cleo', 'Oak 3', NULL, 'p3'), (4, 'Dan', 'Fir 4', 'Linz', 'p4');
INSERT INTO mails (body, state) VALUES ('m1', 'new'), ('m2', 'sent'), ('m3', 'odd');
INSERT INTO hooks (kind, body, secret) VALUES ('web', 'h1', 'x1'), ('other', 'h2', 'x2'), ('web', 'h3', 'x3');
INSERT INTO skills (staff_id, skill) VALUES (1, 'cut'), (1, 'wash'), (2, 'dye'), (2, 'cut');
INSERT INTO regions VALUES (1, 'eu'), (2, 'us'), (3, 'jp');
INSERT INTO orders (region_id, total) VALUES (1, 5), (2, 7.5), (NULL, 1), (1, 2);
