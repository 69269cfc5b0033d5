CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE measurements (
  id bigint NOT NULL, sensor_id smallint NOT NULL, taken_at datetime(3) NULL, value int NULL, PRIMARY KEY (id),
  KEY sensor (sensor_id), KEY taken (taken_at)
);

CREATE TABLE sensor_totals (
  sensor_id smallint NOT NULL, name varchar(24) NULL, readings int NOT NULL, total decimal(30,3) NOT NULL, last_id bigint NOT NULL,
  PRIMARY KEY (sensor_id)
);

CREATE TABLE latest (
  sensor_id smallint NOT NULL, place tinyint NOT NULL, reading_id bigint NOT NULL, value int NOT NULL,
  PRIMARY KEY (sensor_id, place), UNIQUE KEY reading (reading_id)
);
