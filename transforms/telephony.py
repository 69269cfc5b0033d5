"""Webhooks, received and sent on, and requests to other people's APIs. Calls stand beside their customers."""

from replicator import const, inverse, transform


@transform("webhook_events", source="retell_webhooks", key={"source": const("retell"), "source_id": "id"})
def from_retell(row):
    status = {"processed": "completed", "failed": "failed"}.get(row.status, "pending")
    return {
        "source": "retell",
        "source_id": row.id,
        "company_id": None,
        "event_type": row.event_type,
        "event_id": None,
        "call_id": row.call_id,
        "payload": row.payload,
        "status": status,
        "attempts": row.attempts,
        "processed_at": row.processed_at,
        "error_message": row.error_message,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@transform("webhook_events", source="webhook_logs", key={"source": const("calcom"), "source_id": "id"})
def from_calcom(row):
    if row.webhook_type != "calcom":
        return None
    return {
        "source": "calcom",
        "source_id": row.id,
        "company_id": row.company_id,
        "event_type": row.event_type,
        "event_id": row.webhook_id,
        "call_id": None,
        "payload": row.payload,
        "status": row.status,
        "attempts": 0,
        "processed_at": None,
        "error_message": None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("webhook_events")
def webhook_events_back(row):
    if row.source == "retell":
        webhook = {
            "id": row.source_id,
            "event_type": row.event_type,
            "call_id": row.call_id,
            "payload": row.payload if row.payload is not None else "",
            "status": {"completed": "processed"}.get(row.status, row.status),
            "attempts": row.attempts,
            "processed_at": row.processed_at,
            "error_message": row.error_message,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
        return [("retell_webhooks", webhook)]
    webhook = {
        "id": row.source_id,
        "webhook_type": "calcom",
        "company_id": row.company_id,
        "event_type": row.event_type,
        "webhook_id": row.event_id if row.event_id is not None else f"event {row.source_id}",
        "payload": row.payload,
        "status": row.status,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
    return [("webhook_logs", webhook)]


@transform("api_call_logs", key={"id": "id"})
def api_call_logs(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "user_id": row.user_id,
        "service": row.service,
        "endpoint": row.endpoint,
        "method": row.method,
        "request_headers": row.request_headers,
        "request_body": row.request_body,
        "response_status": row.response_status,
        "response_headers": row.response_headers,
        "response_body": row.response_body,
        "duration_ms": row.duration_ms,
        "correlation_id": row.correlation_id,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "error_message": row.error_message,
        "requested_at": row.requested_at,
        "responded_at": row.responded_at,
        # Part of the primary key, by which the table is partitioned: it cannot be null.
        "created_at": row.created_at if row.created_at is not None else row.requested_at,
        "updated_at": row.updated_at,
        "threat_score": row.threat_score,
        "blocked": row.blocked,
        "block_reason": row.block_reason,
    }


@inverse("api_call_logs")
def api_call_logs_back(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "user_id": row.user_id,
        "service": row.service,
        "endpoint": row.endpoint,
        "method": row.method,
        "request_headers": row.request_headers,
        "request_body": row.request_body,
        "response_status": row.response_status,
        "response_headers": row.response_headers,
        "response_body": row.response_body,
        "duration_ms": row.duration_ms,
        "correlation_id": row.correlation_id,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "error_message": row.error_message,
        "requested_at": row.requested_at,
        "responded_at": row.responded_at,
        "updated_at": row.updated_at,
        "threat_score": row.threat_score,
        "blocked": row.blocked,
        "block_reason": row.block_reason,
        "created_at": row.created_at,
    }
