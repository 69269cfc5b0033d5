"""Customers and the calls they make."""

from _nested import flat, members, nested, word

from replicator import inverse, transform


@transform("customers")
def customers(row):
    return {
        "id": row.id,
        "company_id": row.company_id if row.company_id is not None else row.tenant_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": row.status,
        "customer_type": row.customer_type,
        "company_name": row.company_name,
        "customer_number": row.customer_number,
        "date_of_birth": row.date_of_birth,
        "birthday": row.birthday,
        "preferred_language": row.preferred_language,
        "preferred_contact_method": row.preferred_contact_method,
        "preferred_branch_id": row.preferred_branch_id,
        "preferred_staff_id": row.preferred_staff_id,
        "preferences": {"preferences": nested(row.preferences), "skills": nested(row.skills)},
        "notes": row.notes,
        "internal_notes": row.internal_notes,
        "tags": row.tags,
        "is_vip": row.is_vip,
        "loyalty_points": row.loyalty_points,
        "total_spent": row.total_spent,
        "no_show_count": row.no_show_count,
        "portal_enabled": row.portal_enabled,
        "password": row.password,
        "remember_token": row.remember_token,
        "email_verified_at": row.email_verified_at,
        "privacy_consent_at": row.privacy_consent_at,
        "marketing_consent_at": row.marketing_consent_at,
        "deletion_requested_at": row.deletion_requested_at,
        "last_seen_at": row.last_seen_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("customers")
def customers_back(row):
    preferences = members(row.preferences)
    customer = {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": row.status,
        "customer_type": row.customer_type,
        "company_name": row.company_name,
        "customer_number": row.customer_number,
        "date_of_birth": row.date_of_birth,
        "birthday": row.birthday,
        "preferred_language": row.preferred_language,
        "preferred_contact_method": row.preferred_contact_method,
        "preferred_branch_id": row.preferred_branch_id,
        "preferred_staff_id": row.preferred_staff_id,
        "notes": row.notes,
        "internal_notes": row.internal_notes,
        "tags": row.tags,
        "is_vip": row.is_vip,
        "loyalty_points": row.loyalty_points,
        "total_spent": row.total_spent,
        "no_show_count": row.no_show_count,
        "portal_enabled": row.portal_enabled,
        "password": row.password,
        "remember_token": row.remember_token,
        "email_verified_at": row.email_verified_at,
        "privacy_consent_at": row.privacy_consent_at,
        "marketing_consent_at": row.marketing_consent_at,
        "deletion_requested_at": row.deletion_requested_at,
        "last_seen_at": row.last_seen_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "company_id": row.company_id,
        "preferences": flat(preferences.get("preferences")),
        "skills": flat(preferences.get("skills")),
    }
    if row.company_id is None:
        customer["tenant_id"] = None  # it would be taken for the company
    return customer


@transform("calls")
def calls(row):
    if row.duration_seconds is not None:
        duration = row.duration_seconds
    elif row.duration_sec is not None:
        duration = row.duration_sec
    elif row.duration_minutes is not None:
        duration = row.duration_minutes * 60
    else:
        duration = None
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "customer_id": row.customer_id,
        "appointment_id": row.appointment_id,
        "retell_call_id": row.retell_call_id if row.retell_call_id is not None else row.call_id,
        "retell_agent_id": row.retell_agent_id,
        "external_id": row.external_id,
        "from_number": row.from_number,
        "to_number": row.to_number,
        "direction": row.direction,
        "status": row.status,
        "call_status": row.call_status,
        "call_successful": row.call_successful,
        "disconnection_reason": row.disconnection_reason,
        "start_timestamp": row.start_timestamp,
        "end_timestamp": row.end_timestamp,
        "duration_seconds": duration,
        "cost": row.cost,
        "sentiment_score": row.sentiment_score,
        "detected_language": row.detected_language,
        "summary": row.summary,
        "transcript": row.transcript,
        "recording_url": row.recording_url,
        "public_log_url": row.public_log_url,
        "extracted_data": {
            "customer_name": row.customer_name,
            "requested_date": row.requested_date,
            "requested_time": row.requested_time,
            "service_type": row.service_type,
            "sentiment": nested(row.sentiment_analysis),
            "tags": nested(row.tags),
        },
        "appointment_made": row.appointment_made,
        "consent_given": row.consent_given,
        "consent_at": row.consent_at,
        "notes": row.notes,
        "metadata": row.metadata,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("calls")
def calls_back(row):
    extracted = members(row.extracted_data)
    call = {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "customer_id": row.customer_id,
        "appointment_id": row.appointment_id,
        "retell_agent_id": row.retell_agent_id,
        "external_id": row.external_id,
        "from_number": row.from_number,
        "to_number": row.to_number,
        "direction": row.direction,
        "status": row.status,
        "call_status": row.call_status,
        "call_successful": row.call_successful,
        "disconnection_reason": row.disconnection_reason,
        "start_timestamp": row.start_timestamp,
        "end_timestamp": row.end_timestamp,
        "cost": row.cost,
        "sentiment_score": row.sentiment_score,
        "detected_language": row.detected_language,
        "summary": row.summary,
        "transcript": row.transcript,
        "recording_url": row.recording_url,
        "public_log_url": row.public_log_url,
        "appointment_made": row.appointment_made,
        "consent_given": row.consent_given,
        "consent_at": row.consent_at,
        "notes": row.notes,
        "metadata": row.metadata,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "retell_call_id": row.retell_call_id,
        "customer_name": word(extracted.get("customer_name")),
        "requested_date": word(extracted.get("requested_date")),
        "requested_time": word(extracted.get("requested_time")),
        "service_type": word(extracted.get("service_type")),
        "sentiment_analysis": flat(extracted.get("sentiment")),
        "tags": flat(extracted.get("tags")),
    }
    # Whole seconds have a column of their own; others came from hundredths of a minute, and stay whole where they did not.
    seconds = row.duration_seconds
    minutes = None if seconds is None or seconds == round(seconds) else round(seconds / 60, 2)
    if minutes is not None and minutes * 60 == seconds:
        call |= {"duration_seconds": None, "duration_sec": None, "duration_minutes": minutes}
    elif seconds is not None:
        call["duration_seconds"] = round(seconds)
    else:
        call |= {"duration_seconds": None, "duration_sec": None, "duration_minutes": None}
    return call
