SELECT id, lock_token, branch_id, staff_id, event_type_id, starts_at, ends_at, expires_at, holder_type, holder_id,
    metadata, created_at, updated_at
FROM appointment_locks
