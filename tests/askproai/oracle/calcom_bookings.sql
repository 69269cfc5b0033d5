SELECT id, calcom_uid, appointment_id, event_type_id, status, raw_payload, created_at, updated_at
FROM calcom_bookings
