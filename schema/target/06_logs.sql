-- Requests to foreign APIs, one partition a month (UTC), so that old months are dropped instead of deleted.
-- The limits are the first second of the month after, as numbers: UNIX_TIMESTAMP() of a date would depend on the time
-- zone of whoever loads this file. What is older than a few months at the time of the migration shares one partition: each
-- one is a file more that the switch has to rename (2 ms on MySQL). A partitioned table has its partitioning column in the primary key and no foreign keys.

CREATE TABLE `api_call_logs` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `company_id` bigint unsigned DEFAULT NULL,
  `user_id` bigint unsigned DEFAULT NULL,
  `service` varchar(255) NOT NULL,
  `endpoint` varchar(255) NOT NULL,
  `method` varchar(255) NOT NULL,
  `request_headers` longtext DEFAULT NULL,
  `request_body` longtext DEFAULT NULL,
  `response_status` int DEFAULT NULL,
  `response_headers` longtext DEFAULT NULL,
  `response_body` longtext DEFAULT NULL,
  `duration_ms` double DEFAULT NULL,
  `correlation_id` varchar(255) DEFAULT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `error_message` text DEFAULT NULL,
  `requested_at` timestamp NOT NULL,
  `responded_at` timestamp NULL DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  `threat_score` int NOT NULL DEFAULT 0,
  `blocked` tinyint(1) NOT NULL DEFAULT 0,
  `block_reason` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`, `created_at`),
  KEY `api_call_logs_company_created_index` (`company_id`, `created_at`),
  KEY `api_call_logs_service_requested_index` (`service`, `requested_at`),
  KEY `api_call_logs_correlation_index` (`correlation_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
PARTITION BY RANGE (UNIX_TIMESTAMP(`created_at`)) (
  PARTITION `p_older` VALUES LESS THAN (1782864000),
  PARTITION `p2026_07` VALUES LESS THAN (1785542400),
  PARTITION `p2026_08` VALUES LESS THAN (1788220800),
  PARTITION `p2026_09` VALUES LESS THAN (1790812800),
  PARTITION `p2026_10` VALUES LESS THAN (1793491200),
  PARTITION `p2026_11` VALUES LESS THAN (1796083200),
  PARTITION `p2026_12` VALUES LESS THAN (1798761600),
  PARTITION `p2027_01` VALUES LESS THAN (1801440000),
  PARTITION `p2027_02` VALUES LESS THAN (1803859200),
  PARTITION `p2027_03` VALUES LESS THAN (1806537600),
  PARTITION `p_later` VALUES LESS THAN MAXVALUE
);

-- Empty at first: the daily maintenance moves the rows older than thirty days here.
CREATE TABLE `api_call_logs_archive` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `company_id` bigint unsigned DEFAULT NULL,
  `user_id` bigint unsigned DEFAULT NULL,
  `service` varchar(255) NOT NULL,
  `endpoint` varchar(255) NOT NULL,
  `method` varchar(255) NOT NULL,
  `request_headers` longtext DEFAULT NULL,
  `request_body` longtext DEFAULT NULL,
  `response_status` int DEFAULT NULL,
  `response_headers` longtext DEFAULT NULL,
  `response_body` longtext DEFAULT NULL,
  `duration_ms` double DEFAULT NULL,
  `correlation_id` varchar(255) DEFAULT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `error_message` text DEFAULT NULL,
  `requested_at` timestamp NOT NULL,
  `responded_at` timestamp NULL DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  `threat_score` int NOT NULL DEFAULT 0,
  `blocked` tinyint(1) NOT NULL DEFAULT 0,
  `block_reason` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`, `created_at`),
  KEY `api_call_logs_archive_company_created_index` (`company_id`, `created_at`),
  KEY `api_call_logs_archive_service_requested_index` (`service`, `requested_at`),
  KEY `api_call_logs_archive_correlation_index` (`correlation_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
PARTITION BY RANGE (UNIX_TIMESTAMP(`created_at`)) (
  PARTITION `p_older` VALUES LESS THAN (1782864000),
  PARTITION `p2026_07` VALUES LESS THAN (1785542400),
  PARTITION `p2026_08` VALUES LESS THAN (1788220800),
  PARTITION `p2026_09` VALUES LESS THAN (1790812800),
  PARTITION `p2026_10` VALUES LESS THAN (1793491200),
  PARTITION `p2026_11` VALUES LESS THAN (1796083200),
  PARTITION `p2026_12` VALUES LESS THAN (1798761600),
  PARTITION `p2027_01` VALUES LESS THAN (1801440000),
  PARTITION `p2027_02` VALUES LESS THAN (1803859200),
  PARTITION `p2027_03` VALUES LESS THAN (1806537600),
  PARTITION `p_later` VALUES LESS THAN MAXVALUE
);
