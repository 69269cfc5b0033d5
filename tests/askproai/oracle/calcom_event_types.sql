SELECT id, company_id, branch_id, COALESCE(calcom_event_type_id, CAST(id + 100000 AS CHAR)) AS calcom_id,
    REPLACE(LOWER(name), ' ', '-') AS slug, name AS title, description, duration AS length, price, 'EUR' AS currency,
    is_active, created_at, updated_at
FROM services
WHERE deleted_at IS NULL
