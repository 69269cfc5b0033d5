"""Operations of the demo's application in the legacy schema: calls, bookings, customers, webhooks."""

from __future__ import annotations

import json
from typing import Any

from replicator.demo.askproai_both import api_call, booking_made, slot_locked
from replicator.demo.askproai_legacy_office import branch_leaves
from replicator.demo.askproai_work import Work

TAGS: tuple[tuple[str | None, Any], ...] = (
    (None, None),
    ('["neu", "rückruf"]', ["neu", "rückruf"]),
    ('{"vip" : true, "stufe" : 2, "rabatt" : 2.5}', {"vip": True, "stufe": 2, "rabatt": 2.5}),
    ("kein JSON", "kein JSON"),
    ("", ""),
    ("null", None),
)
"""What the application writes into a text column for JSON, and what a reader of real JSON should find."""


def call_taken(work: Work) -> None:
    """The assistant has answered the phone."""
    customer, branch = work.pick_or_none("customers", 0.8), work.pick_or_none("branches", 0.8)
    seconds = work.rng.randrange(900)
    duration: dict[str, Any] = work.rng.choice(
        ({"duration_seconds": seconds}, {"duration_sec": seconds}, {"duration_minutes": f"{seconds // 60}.50"}, {})
    )
    text, tags = work.rng.choice(TAGS)
    mood, sentiment = work.rng.choice(TAGS)
    call = work.insert(
        "calls",
        retell_call_id=work.token,
        company_id=work.tenant.id,
        branch_id=branch,
        customer_id=customer,
        call_status="ended",
        summary=work.token,
        transcript="Guten Tag! – Grüß Gott 👋",
        tags=text,
        sentiment_analysis=mood,
        customer_name="Jürgen O'Größ \\ 🙂",
        start_timestamp=work.now,
        created_at=work.now,
        **duration,
    )
    extracted = dict.fromkeys(("requested_date", "requested_time", "service_type"))
    extracted |= {"customer_name": "Jürgen O'Größ \\ 🙂", "sentiment": sentiment, "tags": tags}
    work.says("calls", call, retell_call_id=work.token, customer_id=customer, extracted_data=extracted)
    if customer is not None and work.chance(0.5):
        work.update("customers", customer, notes=work.token, last_call_at=work.now, last_seen_at=work.now)
        work.says("customers", customer)
    webhook = work.insert(
        "retell_webhooks",
        event_type="call_ended",
        call_id=work.token,
        payload=json.dumps({"call_id": work.token}),
        error_message=work.token,
        created_at=work.now,
    )
    work.knows("webhook_events", ("retell", webhook), error_message=work.token, status="pending", call_id=work.token)
    api_call(work, created_at=work.now if work.chance(0.8) else None)


def webhook_processed(work: Work) -> None:
    source, webhook = work.tenant.of("webhook_events").pick(work.rng)
    if source == "retell":
        was, becomes = work.rng.choice((("processed", "completed"), ("failed", "failed"), ("retrying", "pending")))
        work.update("retell_webhooks", webhook, status=was, attempts=2, processed_at=work.now, error_message=work.token)
        work.knows("webhook_events", (source, webhook), error_message=work.token, status=becomes, attempts=2)
    else:
        work.update("webhook_logs", webhook, status=work.token, error_message="HTTP 502", retry_count=1)
        work.knows("webhook_events", (source, webhook), status=work.token, error_message=None, attempts=0)
    api_call(work, created_at=None)


def webhook_retyped(work: Work) -> None:
    """It was not Cal.com's after all; or it was pruned."""
    source, webhook = work.tenant.of("webhook_events").pick(work.rng)
    if source == "calcom" and work.chance(0.5):
        work.update("webhook_logs", webhook, webhook_type="stripe", correlation_id=work.token)
    else:
        work.delete("retell_webhooks" if source == "retell" else "webhook_logs", webhook)
    work.vanished("webhook_events", (source, webhook))
    api_call(work, created_at=work.now)


def appointment_booked(work: Work) -> None:
    customer = work.pick("customers")
    service, living = _service(work)
    _book(work, customer, service, service if living else None, parent=None)


def appointment_followed_up(work: Work) -> None:
    """The next one of a treatment, which names the one before as its parent."""
    parent = work.pick("appointments")
    for customer, service, living in work.rows(
        "SELECT a.customer_id, a.service_id, s.id IS NOT NULL AND s.deleted_at IS NULL"
        " FROM appointments a LEFT JOIN services s ON s.id = a.service_id WHERE a.id = %s",
        parent,
    ):
        _book(work, customer, service, service if living else None, parent)


def _service(work: Work) -> tuple[int | None, bool]:
    """A service, and whether it lives: now and then somebody still books one that was retired, or none at all."""
    if work.chance(0.1):
        retired = work.ids("SELECT id FROM services WHERE company_id = %s AND deleted_at IS NOT NULL LIMIT 5", work.tenant.id)
        return (work.rng.choice(retired), False) if retired else (None, False)
    return work.pick("calcom_event_types"), True


def _book(work: Work, customer: int, service: int | None, event_type: int | None, parent: int | None) -> None:
    branch, staff = work.pick("branches"), work.pick_or_none("staff", 0.9)
    call = work.pick_or_none("calls", 0.3)
    start, end = work.slot()
    slot_locked(work, branch)
    appointment = work.insert(
        "appointments",
        company_id=work.tenant.id,
        parent_appointment_id=parent,
        branch_id=branch,
        customer_id=customer,
        starts_at=start,
        ends_at=end,
        status="pending",
        call_id=call,
        staff_id=staff,
        service_id=service,
        notes=work.token,
        metadata="{}",
        created_at=work.now,
    )
    work.says("appointments", appointment, status="pending", customer_id=customer, event_type_id=event_type, call_id=call)
    if call is not None:
        work.update("calls", call, appointment_id=appointment, appointment_made=1, summary=work.token)
        work.says("calls", call, appointment_id=appointment, appointment_made=1)
    booking_made(work, appointment)
    webhook = work.insert(
        "webhook_logs",
        webhook_type="calcom",
        event_type="BOOKING_CREATED",
        webhook_id=work.token,
        payload="{}",
        status=work.token,
        company_id=work.tenant.id,
        created_at=work.now,
    )
    work.knows("webhook_events", ("calcom", webhook), status=work.token, event_id=work.token)


def appointment_cancelled(work: Work) -> None:
    """Deleted, with its booking; a call that led to it stays."""
    appointment = work.pick("appointments")
    _appointment_leaves(work, appointment, by_hand=not work.cascades)
    work.delete("appointments", appointment)
    api_call(work, created_at=work.now)


def _appointment_leaves(work: Work, appointment: int, *, by_hand: bool) -> None:
    """Note what goes with an appointment; where the server must not do it, or refuses to, do it here."""
    work.rows("UPDATE appointments SET parent_appointment_id = NULL WHERE parent_appointment_id = %s", appointment)
    bookings = work.ids("SELECT id FROM calcom_bookings WHERE appointment_id = %s", appointment)
    for call in work.ids("SELECT id FROM calls WHERE appointment_id = %s", appointment):
        work.knows("calls", (call,), appointment_id=None)
        if by_hand:
            work.update("calls", call, appointment_id=None)
    if not work.cascades:
        work.rows("DELETE FROM notification_logs WHERE appointment_id = %s", appointment)
        for booking in bookings:
            work.delete("calcom_bookings", booking)
    work.gone("calcom_bookings", *bookings)
    work.gone("appointments", appointment)


def customer_added(work: Work) -> None:
    text, preferences = work.rng.choice(TAGS)
    before_companies = work.chance(0.3)
    customer = work.insert(
        "customers",
        company_id=None if before_companies else work.tenant.id,
        tenant_id=work.tenant.id if before_companies else None,
        name="Ağaoğlu, Ülkü",
        phone=f"+49{work.token}",
        notes=work.token,
        preferences=text,
        created_at=work.now,
    )
    work.says("customers", customer, company_id=work.tenant.id, preferences={"preferences": preferences, "skills": None})


def customer_changed(work: Work) -> None:
    customer = work.pick("customers")
    (text, preferences), (listed, skills) = work.rng.choice(TAGS), work.rng.choice(TAGS)
    branch, staff = work.pick_or_none("branches", 0.5), work.pick_or_none("staff", 0.5)
    before_companies = work.chance(0.3)
    work.update(
        "customers",
        customer,
        company_id=None if before_companies else work.tenant.id,
        tenant_id=work.tenant.id,
        preferences=text,
        skills=listed,
        notes=work.token,
        preferred_branch_id=branch,
        preferred_staff_id=staff,
        updated_at=work.now,
    )
    work.says(
        "customers",
        customer,
        company_id=work.tenant.id,
        preferences={"preferences": preferences, "skills": skills},
        preferred_branch_id=branch,
        preferred_staff_id=staff,
    )


def customer_erased(work: Work) -> None:
    """The right to be forgotten, through three levels of tables, and now and then a branch with all that it has.

    What comes back to a table on the way is done by hand: MySQL 9.7 leaves references to deleted rows behind where a
    cascade reaches a table for the second time.
    """
    customer = work.pick("customers")
    for branch in work.ids("SELECT id FROM branches WHERE customer_id = %s", customer):
        branch_leaves(work, branch)
        work.rows("UPDATE customers SET preferred_branch_id = NULL WHERE preferred_branch_id = %s", branch)
    calls = work.ids("SELECT id FROM calls WHERE customer_id = %s", customer)
    own = work.ids("SELECT id FROM appointments WHERE customer_id = %s", customer)
    others = [
        appointment
        for call in calls
        for appointment in work.ids("SELECT id FROM appointments WHERE call_id = %s", call)
        if appointment not in own
    ]
    for appointment in (*own, *others):
        _appointment_leaves(work, appointment, by_hand=True)
    for appointment in others if work.cascades else (*own, *others):
        work.delete("appointments", appointment)
    if not work.cascades:
        for call in calls:
            work.delete("calls", call)
    work.gone("calls", *calls)
    work.delete("customers", customer)
    work.gone("customers", customer)
    api_call(work, created_at=work.now)


OPERATIONS = {
    call_taken: 20,
    webhook_processed: 10,
    webhook_retyped: 2,
    appointment_booked: 16,
    appointment_followed_up: 4,
    appointment_cancelled: 3,
    customer_added: 4,
    customer_changed: 8,
    customer_erased: 1,
}
"""How often each is chosen, relative to the others."""
