SELECT a.id, a.company_id, a.branch_id, a.customer_id, a.staff_id, s.id AS event_type_id, a.call_id,
    a.parent_appointment_id, a.external_id, a.series_id, a.group_booking_id, a.booking_type, a.starts_at, a.ends_at,
    a.status, a.source, a.price, a.notes, a.calcom_booking_id, a.calcom_v2_booking_id, a.reminder_24h_sent_at,
    a.recurrence_rule, a.package_sessions_total, a.package_sessions_used, a.package_expires_at, a.metadata, a.version,
    a.created_at, a.updated_at
FROM appointments a
LEFT JOIN services s ON s.id = a.service_id AND s.deleted_at IS NULL
