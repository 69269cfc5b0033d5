-- Enough rows that the copy takes worker processes and several chunks, and large groups.
CREATE TABLE marker (session int NOT NULL, serial bigint NOT NULL, PRIMARY KEY (session));

CREATE TABLE sensors (
  id smallint NOT NULL COMMENT '-100..300',
  name varchar(24) NULL COMMENT 'word',
  factor decimal(6,3) NOT NULL COMMENT '-99.999..99.999',
  PRIMARY KEY (id)
) COMMENT 'rows=300';

CREATE TABLE readings (
  id bigint NOT NULL COMMENT '-2000000000..2000000000',
  sensor_id smallint NOT NULL COMMENT '-110..310',
  taken datetime(3) NULL COMMENT 'moment',
  value int NULL COMMENT '-9999..9999',
  PRIMARY KEY (id),
  KEY sensor (sensor_id)
) COMMENT 'rows=43000';
