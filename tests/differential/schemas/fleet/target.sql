CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE depots (
  id int NOT NULL, area_id int NULL, title varchar(30) NOT NULL, capacity int NOT NULL, PRIMARY KEY (id), KEY area (area_id)
);

CREATE TABLE vehicles (
  id int NOT NULL, plate varchar(12) NOT NULL, depot_title varchar(30) NULL, area_id int NULL, price_cents bigint NULL,
  PRIMARY KEY (id), UNIQUE KEY plate (plate)
);

CREATE TABLE journeys (
  vehicle_id int NOT NULL, number int NOT NULL, km int NOT NULL, note varchar(40) NULL, plate varchar(12) NULL,
  depot_title varchar(30) NULL, places varchar(200) NOT NULL, stops int NOT NULL, PRIMARY KEY (vehicle_id, number)
);

CREATE TABLE vehicle_totals (
  vehicle_id int NOT NULL, plate varchar(12) NULL, trips int NOT NULL, km int NOT NULL, longest int NOT NULL,
  PRIMARY KEY (vehicle_id)
);

CREATE TABLE depot_fleets (
  depot_id int NOT NULL, vehicles int NOT NULL, plates text NOT NULL, worth decimal(14,2) NOT NULL, PRIMARY KEY (depot_id)
);

CREATE TABLE areas (
  first_depot_id int NOT NULL, area_id int NULL, depots int NOT NULL, capacity int NOT NULL,
  PRIMARY KEY (first_depot_id), UNIQUE KEY area (area_id)
);

CREATE TABLE crew (
  id int NOT NULL, name varchar(30) NOT NULL, plate varchar(12) NOT NULL, boss varchar(30) NULL, bosses_boss varchar(30) NULL,
  salary int NOT NULL, PRIMARY KEY (id)
);
