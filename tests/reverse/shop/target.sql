CREATE TABLE companies (id int PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE customers (
  id int AUTO_INCREMENT PRIMARY KEY, company_id int NULL, name varchar(40) NOT NULL,
  role enum('admin','staff') NOT NULL DEFAULT 'staff', KEY (company_id),
  CONSTRAINT new_customers_company FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE);
CREATE TABLE offers (id int AUTO_INCREMENT PRIMARY KEY, title varchar(40) NOT NULL, slug varchar(40) NOT NULL DEFAULT '');
CREATE TABLE bookings (
  id int AUTO_INCREMENT PRIMARY KEY, offer_id int NULL, note varchar(40) NOT NULL, KEY (offer_id),
  CONSTRAINT new_bookings_offer FOREIGN KEY (offer_id) REFERENCES offers (id) ON DELETE SET NULL);
CREATE TABLE branches (id char(8) PRIMARY KEY, name varchar(40) NOT NULL, opening json NOT NULL);
CREATE TABLE persons (id int PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE addresses (
  person_id int PRIMARY KEY, street varchar(40) NOT NULL, city varchar(40) NULL,
  CONSTRAINT new_addresses_person FOREIGN KEY (person_id) REFERENCES persons (id) ON DELETE CASCADE);
CREATE TABLE events (
  source enum('mail','hook') NOT NULL, source_id int NOT NULL AUTO_INCREMENT, body varchar(40) NOT NULL,
  state varchar(20) NOT NULL DEFAULT '', PRIMARY KEY (source, source_id), KEY (source_id));
CREATE TABLE staff_skills (
  id int AUTO_INCREMENT PRIMARY KEY, staff_id int NOT NULL, skill varchar(20) NOT NULL, is_first tinyint NOT NULL DEFAULT 0,
  UNIQUE KEY (staff_id, skill));
CREATE TABLE regions (id int PRIMARY KEY, code varchar(8) NOT NULL, UNIQUE KEY (code));
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, region varchar(8) NULL, total decimal(10,2) NOT NULL, KEY (region));
