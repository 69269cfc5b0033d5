-- LIKE compares letter by letter; the collation decides about upper and lower case, hence the binary one.
SELECT 'retell' AS source, id AS source_id, NULL AS company_id, event_type, NULL AS event_id, call_id, payload,
    CASE WHEN status COLLATE utf8mb4_bin LIKE 'processed' THEN 'completed'
         WHEN status COLLATE utf8mb4_bin LIKE 'failed' THEN 'failed' ELSE 'pending' END AS status,
    attempts, processed_at, error_message, created_at, updated_at
FROM retell_webhooks
UNION ALL
SELECT 'calcom', id, company_id, event_type, webhook_id, NULL, payload, status, 0, NULL, NULL, created_at, updated_at
FROM webhook_logs
WHERE webhook_type COLLATE utf8mb4_bin LIKE 'calcom'
