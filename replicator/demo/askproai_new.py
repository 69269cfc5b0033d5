"""Operations of the demo's application in the new schema, as its next release has them."""

from __future__ import annotations

import json
from typing import Any

from replicator.demo.askproai_both import api_call, booking_made, slot_locked
from replicator.demo.askproai_work import Skip, Work


def call_taken(work: Work) -> None:
    """The assistant has answered the phone."""
    customer = work.pick_or_none("customers", 0.8)
    extracted: dict[str, Any] = dict.fromkeys(("requested_date", "requested_time", "service_type", "sentiment"))
    extracted |= {"customer_name": "Jürgen O'Größ \\ 🙂", "tags": ["neu", {"stufe": 2.5}]}
    call = work.insert(
        "calls",
        retell_call_id=work.token,
        company_id=work.tenant.id,
        customer_id=customer,
        duration_seconds=f"{work.rng.randrange(900)}.50",
        summary=work.token,
        extracted_data=json.dumps(extracted, ensure_ascii=False),
        start_timestamp=work.now,
        created_at=work.now,
    )
    work.says("calls", call, retell_call_id=work.token, customer_id=customer, extracted_data=extracted)
    webhook = work.insert(
        "webhook_events",
        source="retell",
        event_type="call_ended",
        call_id=work.token,
        payload="{}",
        error_message=work.token,
        created_at=work.now,
    )
    work.knows("webhook_events", ("retell", webhook), error_message=work.token, status="pending", call_id=work.token)
    api_call(work, created_at=work.now)


def webhook_processed(work: Work) -> None:
    source, webhook = work.tenant.of("webhook_events").pick(work.rng)
    work.rows(
        "UPDATE webhook_events SET status = 'completed', attempts = 9, processed_at = %s, error_message = %s"
        " WHERE source = %s AND source_id = %s",
        work.now,
        work.token,
        source,
        webhook,
    )
    if work.cursor.rowcount != 1:
        raise Skip
    work.knows("webhook_events", (source, webhook), status="completed", attempts=9, error_message=work.token)
    api_call(work, created_at=work.now)


def appointment_booked(work: Work) -> None:
    customer, branch, event_type = work.pick("customers"), work.pick("branches"), work.pick("calcom_event_types")
    call = work.pick_or_none("calls", 0.3)
    start, end = work.slot()
    slot_locked(work, branch)
    appointment = work.insert(
        "appointments",
        company_id=work.tenant.id,
        branch_id=branch,
        customer_id=customer,
        starts_at=start,
        ends_at=end,
        call_id=call,
        staff_id=work.pick_or_none("staff", 0.9),
        event_type_id=event_type,
        notes=work.token,
        created_at=work.now,
    )
    work.says("appointments", appointment, status="pending", customer_id=customer, event_type_id=event_type, call_id=call)
    booking_made(work, appointment)


def appointment_cancelled(work: Work) -> None:
    appointment = work.pick("appointments")
    bookings = work.ids("SELECT id FROM calcom_bookings WHERE appointment_id = %s", appointment)
    for call in work.ids("SELECT id FROM calls WHERE appointment_id = %s", appointment):
        work.knows("calls", (call,), appointment_id=None)
        if not work.cascades:
            work.update("calls", call, appointment_id=None)
    if not work.cascades:
        for booking in bookings:
            work.delete("calcom_bookings", booking)
    work.gone("calcom_bookings", *bookings)
    work.delete("appointments", appointment)
    work.gone("appointments", appointment)
    api_call(work, created_at=work.now)


def customer_added(work: Work) -> None:
    wishes = {"preferences": ["morgens"], "skills": None}
    customer = work.insert(
        "customers",
        company_id=work.tenant.id,
        name="Đorđe Größlinghoff",
        phone=f"+49{work.token}",
        notes=work.token,
        preferences=json.dumps(wishes),
        created_at=work.now,
    )
    work.says("customers", customer, company_id=work.tenant.id, preferences=wishes)


def customer_changed(work: Work) -> None:
    customer, branch = work.pick("customers"), work.pick_or_none("branches", 0.5)
    work.update("customers", customer, notes=work.token, preferred_branch_id=branch, updated_at=work.now)
    work.says("customers", customer, company_id=work.tenant.id, preferred_branch_id=branch)


def hours_changed(work: Work) -> None:
    branch = work.pick("branches")
    week = {
        day: [{"open": f"{work.rng.randrange(6, 12):02}:00", "close": "18:30"}]
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    work.update("branches", branch, business_hours=json.dumps(week), website=work.token, updated_at=work.now)
    work.says("branches", branch, business_hours=week)


def staff_moved(work: Work) -> None:
    staff, branch = work.pick("staff"), work.pick("branches")
    work.update("staff", staff, branch_id=branch, phone=work.token, updated_at=work.now)
    work.says("staff", staff, branch_id=branch)


def assignment_added(work: Work) -> None:
    staff, event_type = work.pick("staff"), work.pick("calcom_event_types")
    if work.ids("SELECT id FROM staff_event_type_assignments WHERE staff_id = %s AND event_type_id = %s", staff, event_type):
        raise Skip
    assignment = work.insert("staff_event_type_assignments", staff_id=staff, event_type_id=event_type)
    work.knows("staff_event_type_assignments", (assignment,), staff_id=staff, event_type_id=event_type)
    api_call(work, created_at=work.now)


def event_type_changed(work: Work) -> None:
    event_type = work.pick("calcom_event_types")
    work.update("calcom_event_types", event_type, title="Sehtest", slug="sehtest", description=work.token)
    work.says("calcom_event_types", event_type, title="Sehtest", slug="sehtest")


OPERATIONS = {
    call_taken: 20,
    webhook_processed: 10,
    appointment_booked: 20,
    appointment_cancelled: 3,
    customer_added: 4,
    customer_changed: 8,
    hours_changed: 4,
    staff_moved: 3,
    assignment_added: 3,
    event_type_changed: 4,
}
"""How often each is chosen, relative to the others."""
