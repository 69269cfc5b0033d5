SELECT id, company_id, COALESCE(home_branch_id, branch_id) AS branch_id, name, email, phone, calcom_user_id, is_active,
    capacity_per_day, skills, created_at, updated_at, deleted_at
FROM staff
