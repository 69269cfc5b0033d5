"""Operations of the demo's application that are the same in the legacy and in the new schema."""

from __future__ import annotations

from typing import Any

from replicator.demo.askproai_work import Work


def api_call(work: Work, **values: Any) -> None:
    """The log of a request to somebody else's API, which most operations make."""
    log = work.insert(
        "api_call_logs",
        service=work.rng.choice(("calcom", "retell", "stripe")),
        endpoint="/v2/bookings",
        method="POST",
        response_status=200,
        duration_ms=work.rng.randrange(100_000) / 64,
        correlation_id=work.token,
        company_id=work.tenant.id,
        requested_at=work.now,
        **values,
    )
    work.says("api_call_logs", log)


def appointment_rescheduled(work: Work) -> None:
    appointment = work.pick("appointments")
    start, end = work.slot()
    work.update("appointments", appointment, starts_at=start, ends_at=end, notes=work.token, updated_at=work.now)
    work.says("appointments", appointment)
    api_call(work, created_at=work.now)


def appointment_confirmed(work: Work) -> None:
    """The slot is booked at Cal.com as well, and its lock not needed any more."""
    lock = work.pick("appointment_locks")
    appointment = work.pick("appointments")
    work.delete("appointment_locks", lock)
    work.gone("appointment_locks", lock)
    work.update("appointments", appointment, status="confirmed", notes=work.token, updated_at=work.now)
    work.says("appointments", appointment, status="confirmed")
    for booking in work.ids("SELECT id FROM calcom_bookings WHERE appointment_id = %s", appointment):
        work.update("calcom_bookings", booking, calcom_uid=work.token, status="active")
        work.says("calcom_bookings", booking, status="active")


def booking_made(work: Work, appointment: int) -> None:
    """Cal.com's side of an appointment."""
    booking = work.insert(
        "calcom_bookings",
        calcom_uid=work.token,
        appointment_id=appointment,
        raw_payload='{"titel": "Größe 📅"}',
        created_at=work.now,
    )
    work.says("calcom_bookings", booking, status="active", appointment_id=appointment)


def slot_locked(work: Work, branch: str) -> None:
    """A slot is held while the caller makes up their mind."""
    start, end = work.slot()
    lock = work.insert(
        "appointment_locks",
        lock_token=work.token,
        branch_id=branch,
        staff_id=work.pick_or_none("staff", 0.7),
        starts_at=start,
        ends_at=end,
        expires_at=end,
        holder_id=work.token,
        created_at=work.now,
    )
    work.says("appointment_locks", lock, branch_id=branch)


def user_signed_in(work: Work) -> None:
    user = work.pick("users")
    work.update("users", user, remember_token=work.token, last_login_at=work.now, last_login_ip="::1")
    work.says("users", user)


def phone_changed(work: Work) -> None:
    phone = work.pick("phone_numbers")
    branch = work.pick_or_none("branches", 0.8)
    work.update("phone_numbers", phone, branch_id=branch, retell_agent_id=work.token, updated_at=work.now)
    work.says("phone_numbers", phone, branch_id=branch)


def phone_added(work: Work) -> None:
    phone, branch = work.uuid(), work.pick_or_none("branches", 0.8)
    work.insert(
        "phone_numbers",
        id=phone,
        company_id=work.tenant.id,
        branch_id=branch,
        phone_number=f"+49{work.token}",
        retell_agent_id=work.token,
        created_at=work.now,
    )
    work.says("phone_numbers", phone, company_id=work.tenant.id, branch_id=branch)


def phone_removed(work: Work) -> None:
    phone = work.pick("phone_numbers")
    work.delete("phone_numbers", phone)
    work.gone("phone_numbers", phone)
    api_call(work, created_at=work.now)


def company_billed(work: Work) -> None:
    company = work.tenant.id
    cents = work.rng.randrange(1000, 90000)
    net, tax = f"{cents // 100}.{cents % 100:02}", f"{cents * 19 // 10000}.00"
    invoice = work.insert(
        "invoices",
        company_id=company,
        number=f"RE-{work.token}",
        invoice_date=work.now[:10],
        due_date=work.now[:10],
        subtotal=net,
        tax_amount=tax,
        total=net,
        stripe_invoice_id=work.token,
        created_at=work.now,
    )
    work.says("invoices", invoice, company_id=company, status="draft")
    period = work.insert(
        "billing_periods",
        company_id=str(company),
        start_date=work.now[:10],
        end_date=work.now[:10],
        used_minutes=net,
        price_per_minute="0.4200",
        stripe_invoice_id=work.token,
        created_at=work.now,
    )
    work.says("billing_periods", period, company_id=str(company))
    work.update("companies", company, credit_balance=net, website=work.token, updated_at=work.now)
    work.says("companies", company)


def invoice_paid(work: Work) -> None:
    invoice, period = work.pick("invoices"), work.pick("billing_periods")
    work.update("invoices", invoice, status="paid", paid_at=work.now, stripe_invoice_id=work.token)
    work.says("invoices", invoice, status="paid")
    work.update("billing_periods", period, is_invoiced=1, invoiced_at=work.now, stripe_invoice_id=work.token)
    work.says("billing_periods", period, is_invoiced=1)


def invoice_discarded(work: Work) -> None:
    """A draft of this very traffic: those of the past have items."""
    drafts = work.ids(
        "SELECT id FROM invoices WHERE company_id = %s AND status = 'draft' AND number NOT LIKE 'RE-0%%' LIMIT 1",
        work.tenant.id,
    )
    for invoice in drafts:
        work.delete("invoices", invoice)
        work.gone("invoices", invoice)
    api_call(work, created_at=work.now)


def price_changed(work: Work) -> None:
    price = work.pick("company_pricing")
    work.update("company_pricing", price, is_active=0, notes=work.token, valid_until=work.now[:10])
    work.says("company_pricing", price, is_active=0)
    successor = work.insert(
        "company_pricing",
        company_id=work.tenant.id,
        price_per_minute="0.3999",
        valid_from=work.now[:10],
        notes=work.token,
        created_at=work.now,
    )
    work.says("company_pricing", successor, is_active=1, company_id=work.tenant.id)


def log_pruned(work: Work) -> None:
    log = work.pick("api_call_logs")
    work.delete("api_call_logs", log)
    work.gone("api_call_logs", log)
    api_call(work, created_at=work.now)


OPERATIONS = {
    appointment_rescheduled: 12,
    appointment_confirmed: 12,
    user_signed_in: 8,
    phone_changed: 2,
    phone_added: 1,
    phone_removed: 1,
    company_billed: 4,
    invoice_paid: 4,
    invoice_discarded: 1,
    price_changed: 1,
    log_pruned: 2,
}
"""How often each is chosen, relative to the others."""
