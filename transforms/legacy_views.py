"""Names that the new schema does not have any more, for old code that only reads them.

Each view has the columns of the old table, in their order. What the new schema does not keep is as it was by default.
"""

from replicator import legacy_view

legacy_view(
    "services",
    """
    SELECT id, title AS name, created_at, updated_at, CAST(NULL AS DATETIME) AS deleted_at, is_active AS active,
      COALESCE(length, 30) AS default_duration_minutes, 1 AS is_online_bookable, 1 AS min_staff_required,
      0 AS buffer_time_minutes, IF(calcom_id = id + 100000, NULL, calcom_id) AS calcom_event_type_id, company_id, branch_id,
      NULL AS tenant_id, description, price, NULL AS category, 0 AS sort_order, NULL AS max_bookings_per_day,
      length AS duration, NULL AS required_skills, NULL AS required_certifications, 'basic' AS complexity_level, is_active
    FROM calcom_event_types
    """,
)

legacy_view(
    "working_hours",
    """
    SELECT NULL AS id, b.id AS branch_id, NULL AS staff_id, d.day_of_week, CAST(h.opens AS TIME) AS start_time,
      CAST(h.closes AS TIME) AS end_time, b.created_at, b.updated_at
    FROM (
      SELECT 1 AS day_of_week, '$.monday' AS path UNION ALL SELECT 2, '$.tuesday' UNION ALL SELECT 3, '$.wednesday'
      UNION ALL SELECT 4, '$.thursday' UNION ALL SELECT 5, '$.friday' UNION ALL SELECT 6, '$.saturday'
      UNION ALL SELECT 7, '$.sunday'
    ) AS d
    CROSS JOIN branches AS b
    CROSS JOIN JSON_TABLE(
      JSON_EXTRACT(b.business_hours, d.path), '$[*]'
      COLUMNS (opens varchar(10) PATH '$.open', closes varchar(10) PATH '$.close')
    ) AS h
    """,
)

legacy_view(
    "staff_service_assignments",
    "SELECT id, staff_id, event_type_id AS service_id, created_at, updated_at FROM staff_event_type_assignments",
)

legacy_view(
    "retell_webhooks",
    """
    SELECT source_id AS id, event_type, call_id, COALESCE(payload, '') AS payload, created_at, updated_at,
      IF(status = 'completed', 'processed', status) AS status, attempts, processed_at, error_message
    FROM webhook_events WHERE source = 'retell'
    """,
)

legacy_view(
    "webhook_logs",
    """
    SELECT source_id AS id, 'calcom' AS webhook_type, event_type, COALESCE(event_id, CONCAT('event ', source_id)) AS webhook_id,
      NULL AS correlation_id, status, payload, NULL AS headers, NULL AS response, NULL AS error_message, 0 AS retry_count,
      NULL AS processing_time_ms, 0 AS is_duplicate, NULL AS ip_address, NULL AS user_agent, company_id, created_at, updated_at
    FROM webhook_events WHERE source = 'calcom'
    """,
)
