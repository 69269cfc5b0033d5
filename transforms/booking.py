"""What can be booked, by whom it is done, and the bookings."""

from replicator import copy_table, inverse, many, one, transform

copy_table("appointment_locks")
copy_table("calcom_bookings")


@transform("calcom_event_types", source="services")
def calcom_event_types(service):
    if service.deleted_at is not None:
        return None
    calcom_id = service.calcom_event_type_id
    return {
        "id": service.id,  # kept, so that appointments and assignments need no mapping by name
        "company_id": service.company_id,
        "branch_id": service.branch_id,
        "calcom_id": calcom_id if calcom_id is not None else str(service.id + 100_000),
        "slug": service.name.lower().replace(" ", "-"),
        "title": service.name,
        "description": service.description,
        "length": service.duration,
        "price": service.price,
        "currency": "EUR",
        "is_active": service.is_active,
        "created_at": service.created_at,
        "updated_at": service.updated_at,
    }


@inverse("calcom_event_types")
def calcom_event_types_back(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "description": row.description,
        "price": row.price,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "calcom_event_type_id": row.calcom_id if row.calcom_id != str(row.id + 100_000) else None,
        "name": row.title,
        "duration": row.length,
        "deleted_at": None,  # it lives
    }


@transform(
    "staff_event_type_assignments",
    source="staff_service_assignments",
    group_by=["staff_id"],
    key={"staff_id": "staff_id"},
    related={"services": many("services", where={"id": "service_id"})},
)
def staff_event_type_assignments(rows, services):
    living = {service.id for service in services if service.deleted_at is None}
    offered = [row for row in rows if row.service_id in living]
    # No date sorts first, as it does in SQL; equal dates are decided by the id.
    offered = sorted(offered, key=lambda row: (row.created_at is not None, row.created_at, row.id))
    return [
        {
            "id": row.id,
            "staff_id": row.staff_id,
            "event_type_id": row.service_id,
            "is_primary": place == 0,
            "custom_duration": None,
            "custom_price": None,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
        for place, row in enumerate(offered)
    ]


@inverse("staff_event_type_assignments")
def staff_event_type_assignments_back(row):
    return {
        "id": row.id,
        "staff_id": row.staff_id,
        "service_id": row.event_type_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@transform("appointments", related={"service": one("services", where={"id": "service_id"})})
def appointments(row, service):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "customer_id": row.customer_id,
        "staff_id": row.staff_id,
        "event_type_id": service.id if service is not None and service.deleted_at is None else None,
        "call_id": row.call_id,
        "parent_appointment_id": row.parent_appointment_id,
        "external_id": row.external_id,
        "series_id": row.series_id,
        "group_booking_id": row.group_booking_id,
        "booking_type": row.booking_type,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "status": row.status,
        "source": row.source,
        "price": row.price,
        "notes": row.notes,
        "calcom_booking_id": row.calcom_booking_id,
        "calcom_v2_booking_id": row.calcom_v2_booking_id,
        "reminder_24h_sent_at": row.reminder_24h_sent_at,
        "recurrence_rule": row.recurrence_rule,
        "package_sessions_total": row.package_sessions_total,
        "package_sessions_used": row.package_sessions_used,
        "package_expires_at": row.package_expires_at,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("appointments")
def appointments_back(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "customer_id": row.customer_id,
        "staff_id": row.staff_id,
        "call_id": row.call_id,
        "parent_appointment_id": row.parent_appointment_id,
        "external_id": row.external_id,
        "series_id": row.series_id,
        "group_booking_id": row.group_booking_id,
        "booking_type": row.booking_type,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "status": row.status,
        "source": row.source,
        "price": row.price,
        "notes": row.notes,
        "calcom_booking_id": row.calcom_booking_id,
        "calcom_v2_booking_id": row.calcom_v2_booking_id,
        "reminder_24h_sent_at": row.reminder_24h_sent_at,
        "recurrence_rule": row.recurrence_rule,
        "package_sessions_total": row.package_sessions_total,
        "package_sessions_used": row.package_sessions_used,
        "package_expires_at": row.package_expires_at,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        # A service that is no longer offered shows as none and stays with the old appointment until another one is chosen.
        "service_id": row.event_type_id,
    }
