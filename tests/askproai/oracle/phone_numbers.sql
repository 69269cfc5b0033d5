SELECT id, company_id, branch_id, phone_number, type, retell_agent_id, is_active, created_at, updated_at
FROM phone_numbers
