"""The 66 legacy tables that feed no table of the new schema: 14 stay where they are, 52 go to the archive.

Nothing is deleted: a dropped table can be read in the archive after the cutover.
"""

from replicator import drop_table, keep_table

for table, reason in {
    "migrations": "the framework's record of applied migrations",
    "jobs": "the framework's queue",
    "job_batches": "the framework's queue: batches",
    "failed_jobs": "the framework's queue: jobs to look at",
    "sessions": "signed-in users stay signed in",
    "cache": "the framework's cache",
    "cache_locks": "the framework's cache: locks",
    "personal_access_tokens": "API tokens in use",
    "oauth_clients": "registered OAuth clients",
    "roles": "access control of the permission package",
    "permissions": "access control of the permission package",
    "role_has_permissions": "access control of the permission package",
    "model_has_roles": "access control of the permission package",
    "model_has_permissions": "access control of the permission package",
}.items():
    keep_table(table, reason=reason)

for table, reason in {
    # Tenancy
    "tenants": "companies took its place: every tenant names its company",
    "kunden": "the first customer table, a bare list of names; customers took its place",
    # Booking
    "appointment_series": "appointments carry series_id and recurrence_rule themselves",
    "branch_event_types": "a branch names its event type itself: branches.calcom_event_type_id",
    "branch_service": "prices and durations per branch are not part of the new booking model",
    "calcom_bookings_backup": "a backup copy of calcom_bookings",
    "calendar_event_types": "calcom_event_types is the one table of event types",
    "calendar_mappings": "only Cal.com calendars remain: staff.calcom_user_id",
    "calendars": "only Cal.com calendars remain: staff.calcom_user_id",
    "staff_branches": "staff.branch_id is the one branch of each of the staff",
    # Customers
    "customer_interactions": "calls and appointments hold the facts that this repeats",
    "customer_notes": "notes stand on the customer: customers.notes and internal_notes",
    "customer_preferences": "preferences stand on the customer: customers.preferences",
    "customer_relationships": "guesses of the duplicate finder, made anew from customers at any time",
    "notes": "notes stand on the customer: customers.notes and internal_notes",
    "gdpr_requests": "evidence of requests, to be read in the archive",
    # Telephony
    "agents": "agent ids stand where they are used: companies, branches, phone_numbers, calls",
    "call_notes": "notes stand on the call: calls.notes",
    "callback_requests": "closed by their own rule after auto_close_after_hours",
    "retell_agents": "a copy of what Retell holds; its ids stand on companies, branches, phone_numbers, calls",
    # Billing
    "balance_topups": "payment history; the balance stands on the company: companies.credit_balance",
    "balance_transactions": "balance history; the balance stands on the company: companies.credit_balance",
    "billing_alerts": "alerts of past periods",
    "billing_line_items": "lines of billing_snapshots",
    "billing_rates": "company_pricing took its place",
    "billing_snapshots": "frozen figures of past periods",
    "invoice_items": "the new schema keeps the totals of an invoice, its lines stay in the archive",
    "pricing_plans": "the plan stands on the company: companies.subscription_plan",
    "subscriptions": "the state stands on the company: companies.subscription_status",
    "tax_rates": "the rate stands on the invoice: invoices.tax_rate",
    # Users
    "dashboard_configurations": "arrangement of widgets; the dashboard starts from its defaults",
    "feedback": "history, to be read in the archive",
    "invitations": "used, or invalid from their expires_at on",
    "notifications": "messages inside the old application",
    "two_factor_sessions": "invalid from their expires_at on, minutes after they are made",
    # Integrations
    "api_credentials": "keys stand on companies and branches",
    "integrations": "keys stand on companies and branches",
    "external_sync_logs": "a log, to be read in the archive",
    "feature_flags": "flags of features that the new schema has for good or no more",
    # Logs and measurements
    "activity_log": "a log, to be read in the archive",
    "audit_logs": "a log, to be read in the archive",
    "api_endpoint_metrics": "past measurements",
    "api_health_logs": "past measurements",
    "health_check_results": "past measurements",
    "mcp_metrics": "past measurements",
    "backup_logs": "a log, to be read in the archive",
    "email_logs": "a log, to be read in the archive",
    "error_logs": "a log, to be read in the archive",
    "event_logs": "a log, to be read in the archive",
    "logs": "a log, to be read in the archive",
    "notification_logs": "a log, to be read in the archive",
    "security_logs": "a log, to be read in the archive",
}.items():
    drop_table(table, reason=reason)
