SELECT id, company_id, user_id, service, endpoint, method, request_headers, request_body, response_status,
    response_headers, response_body, duration_ms, correlation_id, ip_address, user_agent, error_message, requested_at,
    responded_at, COALESCE(created_at, requested_at) AS created_at, updated_at, threat_score, blocked, block_reason
FROM api_call_logs
