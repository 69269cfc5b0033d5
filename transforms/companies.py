"""Tenants: companies, their branches, phone numbers and prices."""

from _times import hours as hours_of
from _times import weekly

from replicator import copy_table, inverse, many, transform

copy_table(
    "companies",
    omit=[
        "billing_contact_email",
        "billing_contact_phone",
        "usage_budget",
        "alerts_enabled",
        "opening_hours",
        "calcom_user_id",
        "calcom_team_id",
        "send_call_summaries",
        "call_summary_recipients",
        "include_transcript_in_summary",
        "include_csv_export",
        "summary_email_frequency",
        "call_notification_settings",
        "notification_provider",
        "calcom_handles_notifications",
        "email_notifications_enabled",
        "active",  # is_active is the one that the application reads
        "balance_warning_sent_at",
        "calcom_event_type_id",
        "api_test_errors",
        "send_booking_confirmations",
        "retell_webhook_url",
        "retell_voice",
        "retell_enabled",
        "retell_default_settings",
        "calcom_calendar_mode",
        "metadata",
        "alert_preferences",
        "industry",
        "logo",
        "state",
        "supported_languages",
        "auto_translate",
        "translation_provider",
        "google_calendar_credentials",
        "stripe_subscription_id",
        "security_settings",
        "allowed_ip_addresses",
        "payment_terms",
        "small_business_threshold_date",
        "default_event_type_id",
        "prepaid_billing_enabled",
    ],
)

copy_table("company_pricing")


@transform("branches", related={"hours": many("working_hours", where={"branch_id": "id"})})
def branches(row, hours):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "name": row.name,
        "slug": row.slug,
        "address": row.address,
        "city": row.city,
        "postal_code": row.postal_code,
        "country": row.country,
        "phone_number": row.phone_number,
        "notification_email": row.notification_email,
        "website": row.website,
        "business_hours": weekly([(hour.day_of_week, hour.start_time, hour.end_time) for hour in hours]),
        "calendar_mode": row.calendar_mode,
        "calcom_event_type_id": row.calcom_event_type_id,
        "calcom_api_key": row.calcom_api_key,
        "calcom_user_id": row.calcom_user_id,
        "retell_agent_id": row.retell_agent_id,
        "settings": row.settings,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


@inverse("branches")
def branches_back(row):
    branch = {
        "id": row.id,
        "company_id": row.company_id,
        "name": row.name,
        "slug": row.slug,
        "address": row.address,
        "city": row.city,
        "postal_code": row.postal_code,
        "country": row.country,
        "phone_number": row.phone_number,
        "notification_email": row.notification_email,
        "website": row.website,
        "calendar_mode": row.calendar_mode,
        "calcom_event_type_id": row.calcom_event_type_id,
        "calcom_api_key": row.calcom_api_key,
        "calcom_user_id": row.calcom_user_id,
        "retell_agent_id": row.retell_agent_id,
        "settings": row.settings,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }
    opened = [
        {"branch_id": row.id, "day_of_week": day, "start_time": start, "end_time": end}
        for day, start, end in hours_of(row.business_hours)
    ]
    return [("branches", branch), *(("working_hours", interval) for interval in opened)]


@transform("phone_numbers")
def phone_numbers(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "phone_number": row.phone_number,
        "type": row.type,
        "retell_agent_id": row.retell_agent_id,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@inverse("phone_numbers")
def phone_numbers_back(row):
    return {
        "id": row.id,
        "company_id": row.company_id,
        "branch_id": row.branch_id,
        "phone_number": row.phone_number,
        "type": row.type,
        "retell_agent_id": row.retell_agent_id,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
