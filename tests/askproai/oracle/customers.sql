SELECT id, COALESCE(company_id, tenant_id) AS company_id, name, email, phone, status, customer_type, company_name,
    customer_number, date_of_birth, birthday, preferred_language, preferred_contact_method, preferred_branch_id,
    preferred_staff_id,
    JSON_OBJECT(
        'preferences', JSON_EXTRACT(IF(JSON_VALID(preferences), preferences, JSON_QUOTE(preferences)), '$'),
        'skills', JSON_EXTRACT(IF(JSON_VALID(skills), skills, JSON_QUOTE(skills)), '$')
    ) AS preferences,
    notes, internal_notes, tags, is_vip, loyalty_points, total_spent, no_show_count, portal_enabled, password,
    remember_token, email_verified_at, privacy_consent_at, marketing_consent_at, deletion_requested_at, last_seen_at,
    created_at, updated_at
FROM customers
