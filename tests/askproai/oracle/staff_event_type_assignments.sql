SELECT a.id, a.staff_id, a.service_id AS event_type_id,
    ROW_NUMBER() OVER (PARTITION BY a.staff_id ORDER BY a.created_at, a.id) = 1 AS is_primary,
    NULL AS custom_duration, NULL AS custom_price, a.created_at, a.updated_at
FROM staff_service_assignments a
JOIN services s ON s.id = a.service_id AND s.deleted_at IS NULL
