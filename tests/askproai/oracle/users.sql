-- LIKE compares letter by letter; the collation decides about upper and lower case, hence the binary one.
SELECT id, company_id, name, email, email_verified_at, password, remember_token,
    CASE WHEN is_super_admin = 1 THEN 'super_admin' WHEN role COLLATE utf8mb4_bin LIKE 'admin' THEN 'admin' ELSE 'staff' END AS role,
    two_factor_secret, two_factor_recovery_codes, two_factor_confirmed_at, two_factor_enforced, two_factor_method,
    two_factor_phone_number, two_factor_phone_verified, interface_language, last_login_at, last_login_ip,
    failed_login_attempts, locked_until, created_at, updated_at
FROM users
