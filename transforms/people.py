"""Who works here and who signs in."""

from replicator import inverse, transform


@transform("staff")
def staff(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.home_branch_id if row.home_branch_id is not None else row.branch_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "calcom_user_id": row.calcom_user_id,
        "is_active": row.is_active,
        "capacity_per_day": row.capacity_per_day,
        "skills": row.skills,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


@inverse("staff")
def staff_back(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "calcom_user_id": row.calcom_user_id,
        "is_active": row.is_active,
        "capacity_per_day": row.capacity_per_day,
        "skills": row.skills,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
        "branch_id": row.branch_id,
        "home_branch_id": row.branch_id,
    }


@transform("users")
def users(row):
    # Compared to the letter: 'Admin' or 'admin ' are no administrators, whatever the collation would say.
    if row.is_super_admin == 1:
        role = "super_admin"
    elif row.role == "admin":
        role = "admin"
    else:
        role = "staff"
    return {
        "id": row.id,
        "company_id": row.company_id,
        "name": row.name,
        "email": row.email,
        "email_verified_at": row.email_verified_at,
        "password": row.password,
        "remember_token": row.remember_token,
        "role": role,
        "two_factor_secret": row.two_factor_secret,
        "two_factor_recovery_codes": row.two_factor_recovery_codes,
        "two_factor_confirmed_at": row.two_factor_confirmed_at,
        "two_factor_enforced": row.two_factor_enforced,
        "two_factor_method": row.two_factor_method,
        "two_factor_phone_number": row.two_factor_phone_number,
        "two_factor_phone_verified": row.two_factor_phone_verified,
        "interface_language": row.interface_language,
        "last_login_at": row.last_login_at,
        "last_login_ip": row.last_login_ip,
        "failed_login_attempts": row.failed_login_attempts,
        "locked_until": row.locked_until,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("users")
def users_back(row):
    user = {
        "id": row.id,
        "company_id": row.company_id,
        "name": row.name,
        "email": row.email,
        "email_verified_at": row.email_verified_at,
        "password": row.password,
        "remember_token": row.remember_token,
        "two_factor_secret": row.two_factor_secret,
        "two_factor_recovery_codes": row.two_factor_recovery_codes,
        "two_factor_confirmed_at": row.two_factor_confirmed_at,
        "two_factor_enforced": row.two_factor_enforced,
        "two_factor_method": row.two_factor_method,
        "two_factor_phone_number": row.two_factor_phone_number,
        "two_factor_phone_verified": row.two_factor_phone_verified,
        "interface_language": row.interface_language,
        "last_login_at": row.last_login_at,
        "last_login_ip": row.last_login_ip,
        "failed_login_attempts": row.failed_login_attempts,
        "locked_until": row.locked_until,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "is_super_admin": row.role == "super_admin",
    }
    if row.role != "super_admin":
        user["role"] = row.role
    return user
