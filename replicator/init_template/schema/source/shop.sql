-- The old tables, for those who read the transforms (and to try it out: `mysql shop < schema/source/shop.sql`).

CREATE TABLE customers (
  id          int unsigned NOT NULL AUTO_INCREMENT,
  name        varchar(200) NOT NULL,
  mail        varchar(200) NULL,
  legacy_code varchar(20)  NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE orders (
  id          bigint unsigned NOT NULL AUTO_INCREMENT,
  customer_id int unsigned    NULL,
  status      varchar(20)     NOT NULL DEFAULT 'draft',
  total       decimal(12,2)   NOT NULL,
  created_at  datetime        NOT NULL,
  PRIMARY KEY (id),
  KEY (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE sessions (
  id   varchar(64) NOT NULL,
  data blob        NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
