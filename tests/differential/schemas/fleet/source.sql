-- Integer and compound keys, and foreign keys that cascade through four levels, the first of which no transform reads.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE regions (
  id int NOT NULL COMMENT '1..14',
  name varchar(30) NOT NULL COMMENT 'word',
  PRIMARY KEY (id)
) COMMENT 'rows=12';

CREATE TABLE depots (
  id int NOT NULL COMMENT '-10..60',
  region_id int NULL COMMENT '1..14',
  name varchar(30) NOT NULL COMMENT 'word',
  capacity int NOT NULL COMMENT '0..500',
  legacy_note varchar(50) NULL COMMENT 'word',
  PRIMARY KEY (id),
  CONSTRAINT depot_region FOREIGN KEY (region_id) REFERENCES regions (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=60';

CREATE TABLE vehicles (
  id int NOT NULL COMMENT '-50..900',
  plate varchar(12) NOT NULL COMMENT 'name 1500',
  depot_id int NULL COMMENT '-10..60',
  wheels tinyint unsigned NOT NULL COMMENT '0..4',
  price decimal(10,2) NULL COMMENT '0.00..9999.99',
  PRIMARY KEY (id),
  UNIQUE KEY plate (plate),
  CONSTRAINT vehicle_depot FOREIGN KEY (depot_id) REFERENCES depots (id) ON DELETE SET NULL ON UPDATE CASCADE
) COMMENT 'rows=900';

CREATE TABLE trips (
  vehicle_id int NOT NULL COMMENT '-50..900',
  number int NOT NULL COMMENT '0..8',
  km int NOT NULL COMMENT '0..999',
  note varchar(40) NULL COMMENT 'word',
  PRIMARY KEY (vehicle_id, number),
  CONSTRAINT trip_vehicle FOREIGN KEY (vehicle_id) REFERENCES vehicles (id) ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=3000';

CREATE TABLE stops (
  vehicle_id int NOT NULL COMMENT '-50..900',
  number int NOT NULL COMMENT '0..8',
  position int NOT NULL COMMENT '0..3',
  place varchar(20) NOT NULL COMMENT 'word',
  PRIMARY KEY (vehicle_id, number, position),
  CONSTRAINT stop_trip FOREIGN KEY (vehicle_id, number) REFERENCES trips (vehicle_id, number)
    ON DELETE CASCADE ON UPDATE CASCADE
) COMMENT 'rows=6000';

CREATE TABLE drivers (
  id int NOT NULL COMMENT '-5..300',
  boss_id int NULL COMMENT '-5..300',
  vehicle_id int NULL COMMENT '-50..900',
  name varchar(30) NOT NULL COMMENT 'word',
  salary int NOT NULL COMMENT '0..9000',
  PRIMARY KEY (id),
  CONSTRAINT driver_boss FOREIGN KEY (boss_id) REFERENCES drivers (id) ON DELETE SET NULL,
  CONSTRAINT driver_vehicle FOREIGN KEY (vehicle_id) REFERENCES vehicles (id) ON DELETE CASCADE ON UPDATE SET NULL
) COMMENT 'rows=400';
