SELECT id, name, slug, address, city, postal_code, country, contact_person, phone, email, website, timezone,
    default_language, currency, is_active, subscription_status, subscription_plan, trial_ends_at, billing_status,
    billing_type, credit_balance, low_credit_threshold, stripe_customer_id, calcom_api_key, calcom_team_slug,
    retell_api_key, retell_agent_id, webhook_signing_secret, settings, created_at, updated_at, deleted_at
FROM companies
