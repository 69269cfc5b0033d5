-- The 92 foreign keys, added when all tables are there: calls and appointments refer to each other.

ALTER TABLE `tenants`
  ADD CONSTRAINT `fk_tenants_company_id` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `branches`
  ADD CONSTRAINT `branches_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `branches_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `working_hours`
  ADD CONSTRAINT `working_hours_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `working_hours_staff_id_foreign` FOREIGN KEY (`staff_id`) REFERENCES `staff` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `phone_numbers`
  ADD CONSTRAINT `fk_phone_numbers_branch` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `fk_phone_numbers_company` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `users`
  ADD CONSTRAINT `users_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `users_kunde_id_foreign` FOREIGN KEY (`kunde_id`) REFERENCES `kunden` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `users_tenant_id_foreign` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `staff`
  ADD CONSTRAINT `staff_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `staff_home_branch_id_foreign` FOREIGN KEY (`home_branch_id`) REFERENCES `branches` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `staff_service_assignments`
  ADD CONSTRAINT `ssa_staff_id_foreign` FOREIGN KEY (`staff_id`) REFERENCES `staff` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `ssa_service_id_foreign` FOREIGN KEY (`service_id`) REFERENCES `services` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `invitations`
  ADD CONSTRAINT `invitations_accepted_by_foreign` FOREIGN KEY (`accepted_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `invitations_invited_by_foreign` FOREIGN KEY (`invited_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `invitations_tenant_id_foreign` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `two_factor_sessions`
  ADD CONSTRAINT `two_factor_sessions_user_id_foreign` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `dashboard_configurations`
  ADD CONSTRAINT `dashboard_configurations_user_id_foreign` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `feedback`
  ADD CONSTRAINT `feedback_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE `customers`
  ADD CONSTRAINT `customers_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `customers_preferred_branch_id_foreign` FOREIGN KEY (`preferred_branch_id`) REFERENCES `branches` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `customers_preferred_staff_id_foreign` FOREIGN KEY (`preferred_staff_id`) REFERENCES `staff` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `customer_interactions`
  ADD CONSTRAINT `customer_interactions_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_interactions_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `customer_notes`
  ADD CONSTRAINT `customer_notes_created_by_foreign` FOREIGN KEY (`created_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_notes_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `customer_preferences`
  ADD CONSTRAINT `customer_preferences_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_preferences_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `customer_relationships`
  ADD CONSTRAINT `customer_relationships_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_relationships_confirmed_by_foreign` FOREIGN KEY (`confirmed_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_relationships_created_by_foreign` FOREIGN KEY (`created_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_relationships_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `customer_relationships_related_customer_id_foreign` FOREIGN KEY (`related_customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `notes`
  ADD CONSTRAINT `notes_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `gdpr_requests`
  ADD CONSTRAINT `gdpr_requests_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `gdpr_requests_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `appointments`
  ADD CONSTRAINT `appointments_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointments_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointments_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointments_parent_appointment_id_foreign` FOREIGN KEY (`parent_appointment_id`) REFERENCES `appointments` (`id`)
    ON DELETE RESTRICT ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointments_service_id_foreign` FOREIGN KEY (`service_id`) REFERENCES `services` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointments_staff_id_foreign` FOREIGN KEY (`staff_id`) REFERENCES `staff` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `fk_appointments_call` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `fk_appointments_customer` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `appointment_series`
  ADD CONSTRAINT `appointment_series_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointment_series_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `appointment_locks`
  ADD CONSTRAINT `appointment_locks_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `appointment_locks_staff_id_foreign` FOREIGN KEY (`staff_id`) REFERENCES `staff` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `branch_event_types`
  ADD CONSTRAINT `branch_event_types_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `branch_service`
  ADD CONSTRAINT `branch_service_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `branch_service_service_id_foreign` FOREIGN KEY (`service_id`) REFERENCES `services` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `calcom_bookings`
  ADD CONSTRAINT `calcom_bookings_appointment_id_foreign` FOREIGN KEY (`appointment_id`) REFERENCES `appointments` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `calendar_event_types`
  ADD CONSTRAINT `calendar_event_types_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `calendar_mappings`
  ADD CONSTRAINT `calendar_mappings_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `calendar_mappings_staff_id_foreign` FOREIGN KEY (`staff_id`) REFERENCES `staff` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `calls`
  ADD CONSTRAINT `calls_appointment_id_foreign` FOREIGN KEY (`appointment_id`) REFERENCES `appointments` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `calls_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `calls_kunde_id_foreign` FOREIGN KEY (`kunde_id`) REFERENCES `kunden` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `call_notes`
  ADD CONSTRAINT `call_notes_call_id_foreign` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `callback_requests`
  ADD CONSTRAINT `callback_requests_assigned_to_foreign` FOREIGN KEY (`assigned_to`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `callback_requests_branch_id_foreign` FOREIGN KEY (`branch_id`) REFERENCES `branches` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `callback_requests_call_id_foreign` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `callback_requests_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `callback_requests_completed_by_foreign` FOREIGN KEY (`completed_by`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `retell_agents`
  ADD CONSTRAINT `fk_retell_agents_company` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `fk_retell_agents_phone_number` FOREIGN KEY (`phone_number_id`) REFERENCES `phone_numbers` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `webhook_logs`
  ADD CONSTRAINT `webhook_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `invoices`
  ADD CONSTRAINT `invoices_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `invoice_items`
  ADD CONSTRAINT `invoice_items_invoice_id_foreign` FOREIGN KEY (`invoice_id`) REFERENCES `invoices` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `billing_rates`
  ADD CONSTRAINT `billing_rates_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `balance_topups`
  ADD CONSTRAINT `balance_topups_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `balance_topups_invoice_id_foreign` FOREIGN KEY (`invoice_id`) REFERENCES `invoices` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `balance_transactions`
  ADD CONSTRAINT `balance_transactions_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `company_pricing`
  ADD CONSTRAINT `company_pricing_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `pricing_plans`
  ADD CONSTRAINT `pricing_plans_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `subscriptions`
  ADD CONSTRAINT `subscriptions_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `subscriptions_pricing_plan_id_foreign` FOREIGN KEY (`pricing_plan_id`) REFERENCES `pricing_plans` (`id`)
    ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE `tax_rates`
  ADD CONSTRAINT `tax_rates_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `api_call_logs`
  ADD CONSTRAINT `api_call_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `api_health_logs`
  ADD CONSTRAINT `api_health_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `email_logs`
  ADD CONSTRAINT `email_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `email_logs_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `event_logs`
  ADD CONSTRAINT `event_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT,
  ADD CONSTRAINT `event_logs_user_id_foreign` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
    ON DELETE SET NULL ON UPDATE RESTRICT;

ALTER TABLE `notification_logs`
  ADD CONSTRAINT `notification_logs_appointment_id_foreign` FOREIGN KEY (`appointment_id`) REFERENCES `appointments` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `notification_logs_company_id_foreign` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `notification_logs_customer_id_foreign` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `role_has_permissions`
  ADD CONSTRAINT `role_has_permissions_permission_id_foreign` FOREIGN KEY (`permission_id`) REFERENCES `permissions` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT,
  ADD CONSTRAINT `role_has_permissions_role_id_foreign` FOREIGN KEY (`role_id`) REFERENCES `roles` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `model_has_roles`
  ADD CONSTRAINT `model_has_roles_role_id_foreign` FOREIGN KEY (`role_id`) REFERENCES `roles` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;

ALTER TABLE `model_has_permissions`
  ADD CONSTRAINT `model_has_permissions_permission_id_foreign` FOREIGN KEY (`permission_id`) REFERENCES `permissions` (`id`)
    ON DELETE CASCADE ON UPDATE RESTRICT;
