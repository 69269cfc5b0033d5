"""Operations of the demo's application in the legacy schema: branches, their hours, staff, services, users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from replicator.demo.askproai_both import api_call
from replicator.demo.askproai_work import Skip, Work

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIMES = ("07:30:00", "09:00:00", "12:15:30", "13:00:00", "17:00:00", "24:00:00")


def hours_added(work: Work) -> None:
    branch = work.pick("branches")
    opens, closes = sorted(work.rng.sample(_TIMES, 2))
    work.insert(
        "working_hours",
        branch_id=branch,
        staff_id=work.pick_or_none("staff", 0.5),
        day_of_week=work.rng.randrange(0, 9),  # 0 and 8 are no weekdays; the application never checked
        start_time=opens,
        end_time=closes,
        created_at=work.now,
    )
    _hours_change(work, branch)


def hours_moved(work: Work) -> None:
    """To another branch: both open at other times now."""
    number, branch = _hours(work)
    other = work.pick("branches")
    if other == branch:
        raise Skip
    work.rows("UPDATE working_hours SET branch_id = %s WHERE id = %s", other, number)
    _hours_change(work, branch, other)


def hours_removed(work: Work) -> None:
    number, branch = _hours(work)
    work.delete("working_hours", number)
    _hours_change(work, branch)


def _hours(work: Work) -> tuple[int, str]:
    """Some hours of the tenant, and their branch."""
    branch = work.pick("branches")
    numbers = work.ids("SELECT id FROM working_hours WHERE branch_id = %s", branch)
    if not numbers:
        raise Skip
    return work.rng.choice(numbers), branch


def _hours_change(work: Work, *branches: str) -> None:
    """Say what the branches' opening hours are now, as their customers would read them from the table."""
    for branch in branches:
        work.update("branches", branch, website=work.token, updated_at=work.now)
        week: dict[str, list[dict[str, str]]] = {day: [] for day in _DAYS}
        for day, opens, closes in work.rows(
            "SELECT DISTINCT day_of_week, start_time, end_time FROM working_hours"
            " WHERE branch_id = %s AND day_of_week BETWEEN 1 AND 7 ORDER BY 1, 2, 3",
            branch,
        ):
            week[_DAYS[day - 1]].append({"open": _clock(opens), "close": _clock(closes)})
        work.says("branches", branch, business_hours=week)


def _clock(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text.removesuffix(":00")


def branch_opened(work: Work) -> None:
    branch = _new_branch(work, work.tenant.id)
    for day in range(1, 6):
        work.insert("working_hours", branch_id=branch, day_of_week=day, start_time="08:00:00", end_time="16:30:00")
    _hours_change(work, branch)
    staff = work.pick("staff")
    work.update("staff", staff, home_branch_id=branch, phone=work.token)
    work.says("staff", staff, branch_id=branch)


def _new_branch(work: Work, company: int) -> str:
    branch = work.uuid()
    work.insert(
        "branches",
        id=branch,
        company_id=company,
        name=f"Filiale {work.token}",
        slug=f"b-{branch}",
        uuid=branch,
        website=work.token,
        created_at=work.now,
    )
    work.says("branches", branch, company_id=company)
    return branch


def branch_closed(work: Work) -> None:
    branch = work.pick("branches")
    branch_leaves(work, branch)
    work.delete("branches", branch)
    api_call(work, created_at=work.now)


def branch_leaves(work: Work, branch: str) -> None:
    """Note what the server does when the branch is deleted: its hours, phones and locks go, its staff fall back to the
    branch that they were hired for."""
    if len(work.tenant.of("branches")) < 3 or not work.cascades:
        raise Skip
    work.gone("phone_numbers", *work.ids("SELECT id FROM phone_numbers WHERE branch_id = %s", branch))
    work.gone("appointment_locks", *work.ids("SELECT id FROM appointment_locks WHERE branch_id = %s", branch))
    for staff, hired_for in work.rows("SELECT id, branch_id FROM staff WHERE home_branch_id = %s", branch):
        work.knows("staff", (staff,), branch_id=hired_for)
    for customer in work.ids("SELECT id FROM customers WHERE preferred_branch_id = %s", branch):
        work.knows("customers", (customer,), preferred_branch_id=None)
    work.gone("branches", branch)


def staff_moved(work: Work) -> None:
    staff = work.pick("staff")
    hired_for = work.ids("SELECT branch_id FROM staff WHERE id = %s", staff)
    home = work.pick_or_none("branches", 0.7)
    work.update("staff", staff, home_branch_id=home, phone=work.token, updated_at=work.now)
    work.says("staff", staff, branch_id=home if home is not None else hired_for[0])


def staff_hired(work: Work) -> None:
    staff, branch = work.uuid(), work.pick("branches")
    work.insert(
        "staff",
        id=staff,
        company_id=work.tenant.id,
        branch_id=branch,
        name="Þóra Ångström",
        email=f"{work.token}@example.de",
        phone=work.token,
        skills="[]",
        created_at=work.now,
    )
    work.says("staff", staff, branch_id=branch, company_id=work.tenant.id)


def staff_left(work: Work) -> None:
    """With their hours, locks and assignments."""
    if len(work.tenant.of("staff")) < 5 or not work.cascades:
        raise Skip
    staff = work.pick("staff")
    branches = work.ids("SELECT DISTINCT branch_id FROM working_hours WHERE staff_id = %s", staff)
    work.gone(
        "staff_event_type_assignments",
        *work.ids("SELECT id FROM staff_service_assignments WHERE staff_id = %s", staff),
    )
    work.gone("appointment_locks", *work.ids("SELECT id FROM appointment_locks WHERE staff_id = %s", staff))
    for customer in work.ids("SELECT id FROM customers WHERE preferred_staff_id = %s", staff):
        work.knows("customers", (customer,), preferred_staff_id=None)
    work.delete("staff", staff)
    work.gone("staff", staff)
    _hours_change(work, *branches)
    api_call(work, created_at=work.now)


def assignment_added(work: Work) -> None:
    staff, service = work.pick("staff"), work.pick("calcom_event_types")
    if work.ids("SELECT id FROM staff_service_assignments WHERE staff_id = %s AND service_id = %s", staff, service):
        raise Skip
    assignment = work.insert(
        "staff_service_assignments", staff_id=staff, service_id=service, created_at=work.now, updated_at=work.now
    )
    work.knows("staff_event_type_assignments", (assignment,), staff_id=staff, event_type_id=service)
    api_call(work, created_at=work.now)


def assignment_moved(work: Work) -> None:
    """To somebody else: two groups change at once."""
    assignment, staff = work.pick("staff_event_type_assignments"), work.pick("staff")
    for (service,) in work.rows("SELECT service_id FROM staff_service_assignments WHERE id = %s", assignment):
        if work.ids("SELECT id FROM staff_service_assignments WHERE staff_id = %s AND service_id = %s", staff, service):
            raise Skip
        work.update("staff_service_assignments", assignment, staff_id=staff, updated_at=work.now)
        work.knows("staff_event_type_assignments", (assignment,), staff_id=staff, event_type_id=service)
    api_call(work, created_at=work.now)


def assignment_removed(work: Work) -> None:
    assignment = work.pick("staff_event_type_assignments")
    work.delete("staff_service_assignments", assignment)
    work.gone("staff_event_type_assignments", assignment)
    api_call(work, created_at=work.now)


def service_changed(work: Work) -> None:
    service = work.pick("calcom_event_types")
    name = work.rng.choice(("Erstgespräch", "Färben & Strähnen", "Yoga für Anfänger 🧘"))
    work.update("services", service, name=name, description=work.token, updated_at=work.now)
    work.says("calcom_event_types", service, title=name, slug=name.lower().replace(" ", "-"))


def service_added(work: Work) -> None:
    own_id = work.chance(0.5)
    service = work.insert(
        "services",
        name="Haare schneiden",
        company_id=work.tenant.id,
        description=work.token,
        price="49.90",
        duration=45,
        calcom_event_type_id=work.token if own_id else None,
        created_at=work.now,
    )
    calcom_id = work.token if own_id else str(service + 100_000)
    work.says("calcom_event_types", service, calcom_id=calcom_id, company_id=work.tenant.id, length=45)


def service_retired(work: Work) -> None:
    """Softly deleted: nobody is assigned to it any more, and its appointments have no event type."""
    if len(work.tenant.of("calcom_event_types")) < 4:
        raise Skip
    service = work.pick("calcom_event_types")
    work.update("services", service, deleted_at=work.now, description=work.token)
    work.gone("calcom_event_types", service)
    work.gone(
        "staff_event_type_assignments",
        *work.ids("SELECT id FROM staff_service_assignments WHERE service_id = %s", service),
    )
    for appointment in work.ids("SELECT id FROM appointments WHERE service_id = %s", service):
        work.knows("appointments", (appointment,), event_type_id=None)
    api_call(work, created_at=work.now)


def service_restored(work: Work) -> None:
    retired = work.ids("SELECT id FROM services WHERE company_id = %s AND deleted_at IS NOT NULL LIMIT 10", work.tenant.id)
    if not retired:
        raise Skip
    service = work.rng.choice(retired)
    work.update("services", service, deleted_at=None, description=work.token)
    work.says("calcom_event_types", service)
    for assignment, staff in work.rows("SELECT id, staff_id FROM staff_service_assignments WHERE service_id = %s", service):
        work.knows("staff_event_type_assignments", (assignment,), staff_id=staff, event_type_id=service)
    for appointment in work.ids("SELECT id FROM appointments WHERE service_id = %s", service):
        work.knows("appointments", (appointment,), event_type_id=service)


def user_added(work: Work) -> None:
    """Now and then one of the first hour, who hangs on an entry of the old customer table."""
    kunde = work.insert("kunden", name=work.token, created_at=work.now) if work.chance(0.3) else None
    role, becomes = work.rng.choice((("admin", "admin"), ("Admin", "staff"), (None, "staff"), ("manager", "staff")))
    root = work.chance(0.1)
    user = work.insert(
        "users",
        name="Jörg",
        email=f"{work.token}@example.de",
        company_id=work.tenant.id,
        password="$2y$10$",
        remember_token=work.token,
        is_super_admin=int(root),
        role=role,
        kunde_id=kunde,
        created_at=work.now,
    )
    work.says("users", user, role="super_admin" if root else becomes, company_id=work.tenant.id)


def user_removed(work: Work) -> None:
    """By the entry of the old customer table where there is one: the server deletes the user then."""
    user = work.pick("users")
    kunden = work.ids("SELECT kunde_id FROM users WHERE id = %s AND kunde_id IS NOT NULL", user)
    made_here = work.ids("SELECT id FROM kunden WHERE id = %s AND name LIKE 't%%-%%'", kunden[0]) if kunden else []
    if made_here and work.cascades:
        work.delete("kunden", made_here[0])
    else:
        work.delete("users", user)
    work.gone("users", user)
    api_call(work, created_at=work.now)


def company_tried_us(work: Work) -> None:
    """A tenant of a day: signs up with all that belongs to it, and is deleted by the next of these operations."""
    work.apart = True
    company = 0
    for company in work.ids("SELECT id FROM companies WHERE slug LIKE %s LIMIT 1", f"trial-{work.tenant.id}-%"):
        _trial_ends(work, company)
    if not company:
        slug = f"trial-{work.tenant.id}-{work.token}"
        company = work.insert("companies", name="Probe GmbH", slug=slug, website=work.token, created_at=work.now)
        work.says("companies", company)
        _trial(work, company)


def _trial_ends(work: Work, company: int) -> None:
    if not work.cascades:
        raise Skip
    for table in ("branches", "staff", "customers", "appointments", "company_pricing"):
        work.gone(table, *work.ids(f"SELECT id FROM {table} WHERE company_id = %s", company))
    for webhook in work.ids("SELECT id FROM webhook_logs WHERE company_id = %s", company):
        work.vanished("webhook_events", ("calcom", webhook))
    work.delete("companies", company)
    work.gone("companies", company)
    api_call(work, created_at=work.now)


def _trial(work: Work, company: int) -> None:
    branch, staff = _new_branch(work, company), work.uuid()
    work.insert("working_hours", branch_id=branch, day_of_week=3, start_time="10:00:00", end_time="11:00:00")
    work.insert("staff", id=staff, company_id=company, branch_id=branch, name="Chef", phone=work.token)
    work.says("staff", staff, company_id=company)
    common: dict[str, Any] = {"company_id": company, "created_at": work.now}
    customer = work.insert("customers", name="Erste", notes=work.token, **common)
    work.says("customers", customer, company_id=company)
    appointment = work.insert("appointments", customer_id=customer, staff_id=staff, notes=work.token, **common)
    work.says("appointments", appointment, staff_id=staff)
    webhook = work.insert(
        "webhook_logs", webhook_type="calcom", event_type="PING", webhook_id=work.token, status=work.token, **common
    )
    work.knows("webhook_events", ("calcom", webhook), status=work.token, company_id=company)
    price = work.insert("company_pricing", price_per_minute="0.5000", notes=work.token, **common)
    work.says("company_pricing", price, company_id=company)


OPERATIONS = {
    hours_added: 3,
    hours_moved: 2,
    hours_removed: 2,
    branch_opened: 1,
    branch_closed: 1,
    staff_moved: 3,
    staff_hired: 1,
    staff_left: 1,
    assignment_added: 3,
    assignment_moved: 3,
    assignment_removed: 1,
    service_changed: 3,
    service_added: 1,
    service_retired: 1,
    service_restored: 1,
    user_added: 2,
    user_removed: 1,
    company_tried_us: 1,
}
"""How often each is chosen, relative to the others."""
