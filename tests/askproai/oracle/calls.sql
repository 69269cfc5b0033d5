SELECT id, company_id, branch_id, customer_id, appointment_id, COALESCE(retell_call_id, call_id) AS retell_call_id,
    retell_agent_id, external_id, from_number, to_number, direction, status, call_status, call_successful,
    disconnection_reason, start_timestamp, end_timestamp,
    COALESCE(duration_seconds, duration_sec, duration_minutes * 60) AS duration_seconds,
    cost, sentiment_score, detected_language, summary, transcript, recording_url, public_log_url,
    JSON_OBJECT(
        'customer_name', customer_name,
        'requested_date', requested_date,
        'requested_time', requested_time,
        'service_type', service_type,
        'sentiment', JSON_EXTRACT(IF(JSON_VALID(sentiment_analysis), sentiment_analysis, JSON_QUOTE(sentiment_analysis)), '$'),
        'tags', JSON_EXTRACT(IF(JSON_VALID(tags), tags, JSON_QUOTE(tags)), '$')
    ) AS extracted_data,
    appointment_made, consent_given, consent_at, notes, metadata, created_at, updated_at
FROM calls
