-- The new tables. `replicator run` creates those that are missing.

CREATE TABLE customers (
  id    int unsigned NOT NULL AUTO_INCREMENT,
  name  varchar(200) NOT NULL,
  email varchar(200) NULL,
  PRIMARY KEY (id),
  KEY (email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE orders (
  id            bigint unsigned NOT NULL AUTO_INCREMENT,
  customer_id   int unsigned    NULL,
  customer_name varchar(200)    NULL,
  status        varchar(20)     NOT NULL,
  total         decimal(12,2)   NOT NULL,
  ordered_at    datetime        NOT NULL,
  PRIMARY KEY (id),
  KEY (customer_id, ordered_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE customer_totals (
  customer_id     int unsigned  NOT NULL,
  orders          int unsigned  NOT NULL,
  total           decimal(14,2) NOT NULL,
  last_ordered_at datetime      NOT NULL,
  PRIMARY KEY (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
