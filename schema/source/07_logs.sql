-- Logs and measurements.

CREATE TABLE `api_call_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `service` varchar(255) NOT NULL,
  `endpoint` varchar(255) NOT NULL,
  `method` varchar(255) NOT NULL,
  `request_headers` longtext DEFAULT NULL,
  `request_body` longtext DEFAULT NULL,
  `response_status` int(11) DEFAULT NULL,
  `response_headers` longtext DEFAULT NULL,
  `response_body` longtext DEFAULT NULL,
  `duration_ms` double DEFAULT NULL,
  `correlation_id` varchar(255) DEFAULT NULL,
  `company_id` bigint(20) unsigned DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `error_message` text DEFAULT NULL,
  `requested_at` timestamp NOT NULL,
  `responded_at` timestamp NULL DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  `threat_score` int(11) NOT NULL DEFAULT 0,
  `blocked` tinyint(1) NOT NULL DEFAULT 0,
  `block_reason` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `api_call_logs_company_id_index` (`company_id`),
  KEY `api_call_logs_correlation_id_index` (`correlation_id`),
  KEY `api_call_logs_requested_at_index` (`requested_at`),
  KEY `api_call_logs_response_status_index` (`response_status`),
  KEY `api_call_logs_service_endpoint_index` (`service`, `endpoint`),
  KEY `api_call_logs_service_requested_at_index` (`service`, `requested_at`),
  KEY `api_call_logs_service_response_status_requested_at_index` (`service`, `response_status`, `requested_at`),
  KEY `api_call_logs_user_id_index` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `activity_log` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `log_name` varchar(255) DEFAULT 'default',
  `description` text NOT NULL,
  `subject_type` varchar(255) DEFAULT NULL,
  `subject_id` bigint(20) unsigned DEFAULT NULL,
  `causer_type` varchar(255) DEFAULT NULL,
  `causer_id` bigint(20) unsigned DEFAULT NULL,
  `properties` longtext DEFAULT NULL,
  `batch_uuid` char(36) DEFAULT NULL,
  `event` varchar(255) DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `causer` (`causer_type`, `causer_id`),
  KEY `log_name` (`log_name`),
  KEY `subject` (`subject_type`, `subject_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `api_endpoint_metrics` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `endpoint` varchar(255) NOT NULL,
  `method` varchar(10) NOT NULL,
  `status_code` int(11) NOT NULL,
  `response_time` decimal(10,2) NOT NULL,
  `memory_usage` int(11) DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  `ip_address` varchar(45) DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  PRIMARY KEY (`id`),
  KEY `api_endpoint_metrics_created_at_index` (`created_at`),
  KEY `api_endpoint_metrics_endpoint_created_at_index` (`endpoint`, `created_at`),
  KEY `api_endpoint_metrics_endpoint_index` (`endpoint`),
  KEY `api_endpoint_metrics_endpoint_status_code_created_at_index` (`endpoint`, `status_code`, `created_at`),
  KEY `api_endpoint_metrics_user_id_index` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `api_health_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `service` varchar(255) NOT NULL,
  `company_id` bigint(20) unsigned DEFAULT NULL,
  `status` varchar(255) NOT NULL,
  `message` text DEFAULT NULL,
  `response_time` double DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `api_health_logs_company_id_foreign` (`company_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `audit_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `company_id` char(36) NOT NULL,
  `user_type` varchar(255) NOT NULL,
  `user_id` bigint(20) unsigned NOT NULL,
  `user_name` varchar(255) NOT NULL,
  `user_email` varchar(255) NOT NULL,
  `ip_address` varchar(45) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `action` varchar(255) NOT NULL,
  `module` varchar(255) NOT NULL,
  `description` text NOT NULL,
  `auditable_type` varchar(255) DEFAULT NULL,
  `auditable_id` bigint(20) unsigned DEFAULT NULL,
  `old_values` longtext DEFAULT NULL,
  `new_values` longtext DEFAULT NULL,
  `metadata` longtext DEFAULT NULL,
  `risk_level` enum('low','medium','high','critical') NOT NULL DEFAULT 'low',
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `backup_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `type` varchar(50) NOT NULL,
  `filepath` varchar(255) NOT NULL,
  `size` bigint(20) NOT NULL DEFAULT 0,
  `status` varchar(20) NOT NULL,
  `error` text DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  PRIMARY KEY (`id`),
  KEY `backup_logs_type_status_created_at_index` (`type`, `status`, `created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `email_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `customer_id` bigint(20) unsigned DEFAULT NULL,
  `company_id` bigint(20) unsigned DEFAULT NULL,
  `to` varchar(255) NOT NULL,
  `from` varchar(255) DEFAULT NULL,
  `subject` varchar(255) NOT NULL,
  `type` varchar(50) NOT NULL,
  `content` text DEFAULT NULL,
  `status` varchar(20) NOT NULL DEFAULT 'pending',
  `sent_at` timestamp NULL DEFAULT NULL,
  `error_message` text DEFAULT NULL,
  `metadata` longtext DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `email_logs_company_id_type_index` (`company_id`, `type`),
  KEY `email_logs_customer_id_sent_at_index` (`customer_id`, `sent_at`),
  KEY `email_logs_sent_at_index` (`sent_at`),
  KEY `email_logs_status_index` (`status`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `error_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `severity` varchar(20) NOT NULL,
  `message` text NOT NULL,
  `type` varchar(255) DEFAULT NULL,
  `file` varchar(255) DEFAULT NULL,
  `line` int(11) DEFAULT NULL,
  `context` longtext DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  `request_id` varchar(36) DEFAULT NULL,
  `ip_address` varchar(45) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  PRIMARY KEY (`id`),
  KEY `error_logs_created_at_index` (`created_at`),
  KEY `error_logs_request_id_index` (`request_id`),
  KEY `error_logs_severity_created_at_index` (`severity`, `created_at`),
  KEY `error_logs_severity_index` (`severity`),
  KEY `error_logs_type_created_at_index` (`type`, `created_at`),
  KEY `error_logs_type_index` (`type`),
  KEY `error_logs_user_id_index` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `event_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `event_name` varchar(255) NOT NULL,
  `payload` longtext NOT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  `company_id` bigint(20) unsigned DEFAULT NULL,
  `metadata` longtext DEFAULT NULL,
  `ip_address` varchar(45) DEFAULT NULL,
  `user_agent` text DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `event_logs_company_id_created_at_index` (`company_id`, `created_at`),
  KEY `event_logs_company_id_index` (`company_id`),
  KEY `event_logs_created_at_index` (`created_at`),
  KEY `event_logs_event_name_created_at_index` (`event_name`, `created_at`),
  KEY `event_logs_event_name_index` (`event_name`),
  KEY `event_logs_user_id_index` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `external_sync_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `sync_type` varchar(50) NOT NULL,
  `report` longtext NOT NULL,
  `status` varchar(20) NOT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `external_sync_logs_sync_type_created_at_index` (`sync_type`, `created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `health_check_results` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `component` varchar(50) NOT NULL,
  `status` varchar(20) NOT NULL,
  `response_time` decimal(10,2) DEFAULT NULL,
  `message` text DEFAULT NULL,
  `details` longtext DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  PRIMARY KEY (`id`),
  KEY `health_check_results_component_index` (`component`),
  KEY `health_check_results_component_status_created_at_index` (`component`, `status`, `created_at`),
  KEY `health_check_results_created_at_index` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `level` varchar(20) NOT NULL,
  `message` text NOT NULL,
  `context` longtext DEFAULT NULL,
  `channel` varchar(255) NOT NULL DEFAULT 'stack',
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `logs_created_at_index` (`created_at`),
  KEY `logs_level_created_at_index` (`level`, `created_at`),
  KEY `logs_level_index` (`level`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `mcp_metrics` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `service` varchar(50) NOT NULL,
  `success` tinyint(1) NOT NULL DEFAULT 1,
  `tenant_id` int(11) DEFAULT NULL,
  `operation` varchar(100) DEFAULT NULL,
  `status` varchar(20) NOT NULL DEFAULT 'success',
  `metadata` longtext DEFAULT NULL,
  `created_at` timestamp NOT NULL,
  `response_time` decimal(10,3) DEFAULT NULL,
  `error_message` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `idx_mcp_metrics_service_operation_created` (`service`, `operation`, `created_at`),
  KEY `idx_mcp_metrics_service_status_created` (`service`, `status`, `created_at`),
  KEY `idx_mcp_metrics_status` (`status`),
  KEY `mcp_metrics_created_at_index` (`created_at`),
  KEY `mcp_metrics_service_created_at_index` (`service`, `created_at`),
  KEY `mcp_metrics_service_index` (`service`),
  KEY `mcp_metrics_service_success_created_at_index` (`service`, `success`, `created_at`),
  KEY `mcp_metrics_success_index` (`success`),
  KEY `mcp_metrics_tenant_id_created_at_index` (`tenant_id`, `created_at`),
  KEY `mcp_metrics_tenant_id_index` (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `notification_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `appointment_id` bigint(20) unsigned NOT NULL,
  `customer_id` bigint(20) unsigned NOT NULL,
  `company_id` bigint(20) unsigned NOT NULL,
  `type` varchar(50) NOT NULL,
  `channels` longtext NOT NULL,
  `successful_channels` longtext DEFAULT NULL,
  `failed_channels` longtext DEFAULT NULL,
  `errors` longtext DEFAULT NULL,
  `status` enum('sent','failed','partial') NOT NULL DEFAULT 'sent',
  `sent_at` timestamp NULL DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `notification_logs_appointment_id_index` (`appointment_id`),
  KEY `notification_logs_company_id_created_at_index` (`company_id`, `created_at`),
  KEY `notification_logs_company_id_index` (`company_id`),
  KEY `notification_logs_customer_id_index` (`customer_id`),
  KEY `notification_logs_customer_id_type_index` (`customer_id`, `type`),
  KEY `notification_logs_status_created_at_index` (`status`, `created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `security_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `type` varchar(255) NOT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `user_agent` text DEFAULT NULL,
  `user_id` bigint(20) unsigned DEFAULT NULL,
  `company_id` bigint(20) unsigned DEFAULT NULL,
  `url` varchar(255) DEFAULT NULL,
  `method` varchar(255) DEFAULT NULL,
  `data` longtext DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `idx_company_id` (`company_id`),
  KEY `idx_created_at` (`created_at`),
  KEY `idx_ip_address` (`ip_address`),
  KEY `idx_type` (`type`),
  KEY `idx_user_id` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
