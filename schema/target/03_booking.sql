-- What can be booked, by whom it is done, and the bookings.

-- slug is wider than the legacy name it is made of: a few letters become longer in lower case.
-- calcom_id stays text: nothing ever kept legacy ids to digits.
CREATE TABLE `calcom_event_types` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `company_id` bigint unsigned DEFAULT NULL,
  `branch_id` char(36) DEFAULT NULL,
  `calcom_id` varchar(255) NOT NULL,
  `slug` varchar(512) NOT NULL,
  `title` varchar(255) NOT NULL,
  `description` text DEFAULT NULL,
  `length` int DEFAULT NULL,
  `price` decimal(10,2) NOT NULL DEFAULT 0.00,
  `currency` char(3) NOT NULL DEFAULT 'EUR',
  `is_active` tinyint(1) NOT NULL DEFAULT 1,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `calcom_event_types_company_active_index` (`company_id`, `is_active`),
  KEY `calcom_event_types_company_slug_index` (`company_id`, `slug`),
  KEY `calcom_event_types_calcom_index` (`calcom_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `staff_event_type_assignments` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `staff_id` char(36) NOT NULL,
  `event_type_id` bigint unsigned NOT NULL,
  `is_primary` tinyint(1) NOT NULL DEFAULT 0,
  `custom_duration` int DEFAULT NULL,
  `custom_price` decimal(10,2) DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `staff_event_type_unique` (`staff_id`, `event_type_id`),
  KEY `staff_event_type_assignments_event_type_index` (`event_type_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Six indexes instead of forty-three. parent_appointment_id has no foreign key, which would need a seventh.
CREATE TABLE `appointments` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `company_id` bigint unsigned NOT NULL,
  `branch_id` char(36) DEFAULT NULL,
  `customer_id` bigint unsigned NOT NULL,
  `staff_id` char(36) DEFAULT NULL,
  `event_type_id` bigint unsigned DEFAULT NULL,
  `call_id` bigint unsigned DEFAULT NULL,
  `parent_appointment_id` bigint unsigned DEFAULT NULL,
  `external_id` varchar(255) DEFAULT NULL,
  `series_id` varchar(255) DEFAULT NULL,
  `group_booking_id` varchar(255) DEFAULT NULL,
  `booking_type` enum('single','recurring','group','package') NOT NULL DEFAULT 'single',
  `starts_at` timestamp NULL DEFAULT NULL,
  `ends_at` timestamp NULL DEFAULT NULL,
  `status` varchar(255) NOT NULL DEFAULT 'pending',
  `source` varchar(255) NOT NULL DEFAULT 'phone',
  `price` int DEFAULT NULL,
  `notes` text DEFAULT NULL,
  `calcom_booking_id` bigint unsigned DEFAULT NULL,
  `calcom_v2_booking_id` varchar(255) DEFAULT NULL,
  `reminder_24h_sent_at` timestamp NULL DEFAULT NULL,
  `recurrence_rule` longtext DEFAULT NULL,
  `package_sessions_total` int DEFAULT NULL,
  `package_sessions_used` int NOT NULL DEFAULT 0,
  `package_expires_at` date DEFAULT NULL,
  `metadata` longtext DEFAULT NULL,
  `version` int unsigned NOT NULL DEFAULT 0,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `appointments_company_starts_status_index` (`company_id`, `starts_at`, `status`),
  KEY `appointments_staff_time_index` (`staff_id`, `starts_at`, `ends_at`),
  KEY `appointments_customer_starts_index` (`customer_id`, `starts_at`),
  KEY `appointments_branch_starts_index` (`branch_id`, `starts_at`),
  KEY `appointments_event_type_index` (`event_type_id`),
  KEY `appointments_call_index` (`call_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `appointment_locks` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `lock_token` varchar(64) NOT NULL,
  `branch_id` char(36) NOT NULL,
  `staff_id` char(36) DEFAULT NULL,
  `event_type_id` bigint DEFAULT NULL,
  `starts_at` datetime NOT NULL,
  `ends_at` datetime NOT NULL,
  `expires_at` datetime NOT NULL,
  `holder_type` varchar(50) NOT NULL DEFAULT 'system',
  `holder_id` varchar(255) DEFAULT NULL,
  `metadata` longtext DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `appointment_locks_lock_token_unique` (`lock_token`),
  KEY `appointment_locks_expires_at_index` (`expires_at`),
  KEY `appointment_locks_branch_time_index` (`branch_id`, `starts_at`, `ends_at`),
  KEY `appointment_locks_staff_time_index` (`staff_id`, `starts_at`, `ends_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `calcom_bookings` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `calcom_uid` varchar(255) DEFAULT NULL,
  `appointment_id` bigint unsigned DEFAULT NULL,
  `event_type_id` bigint unsigned DEFAULT NULL,
  `status` varchar(255) NOT NULL DEFAULT 'active',
  `raw_payload` longtext DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `calcom_bookings_appointment_status_index` (`appointment_id`, `status`),
  KEY `calcom_bookings_calcom_uid_index` (`calcom_uid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
