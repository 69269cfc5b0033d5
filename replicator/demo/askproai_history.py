"""Sample rows of what happened: calls, appointments, webhooks, requests, invoices."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from replicator.demo import askproai_words as words
from replicator.demo.askproai_world import DAYS, HISTORY, MINUTES, Row, World, full_name, past, pick, sentences, source


@source(
    "id company_id branch_id customer_id kunde_id appointment_id retell_call_id call_id from_number to_number "
    "duration_sec duration_minutes duration_seconds call_status transcript recording_url summary tags cost "
    "sentiment_score start_timestamp end_timestamp direction status customer_name requested_date "
    "requested_time service_type sentiment_analysis created_at updated_at"
)
def calls(world: World, rng: Random) -> Iterator[Row]:
    random = rng.random
    for number, customer in enumerate(world.callers, start=1):
        company = world.owner[customer - 1]
        seconds = int(random() * 900)
        told = (seconds, None, None), (None, f"{seconds // 60}.{seconds % 60:02}", None), (None, None, seconds)
        durations = told[number % 3] if number % 20 else (None, None, None)
        day = int(random() * HISTORY)
        minute = int(random() * 1400)
        start = DAYS[day] + MINUTES[minute] + ":00"
        known = random() < 0.8
        yield (
            number, company.id, pick(rng, company.branches) if random() < 0.7 else None, customer if known else None,
            1 + number % world.kunden if number % 40 == 0 else None,
            number if world.linked(number) else None,
            f"call_{number:08x}", f"c{number}" if number % 2 else None, f"+4917{customer:08}", f"+4930{company.id:04}001",
            *durations, ("ended", "error", "ongoing")[number % 3], sentences(rng, 2 + number % 6),
            f"https://rec.example.com/{number}.wav" if number % 3 else None, pick(rng, words.NOTES),
            pick(rng, words.JSON_TEXTS), f"{int(random() * 3)}.{number % 100:02}" if number % 4 else None,
            None if number % 3 else int(random() * 1000) / 1000, start, DAYS[day] + MINUTES[minute + seconds // 60] + ":59",
            "inbound", "completed", full_name(rng) if known else "", DAYS[day + 5] if number % 2 else "nächste Woche",
            pick(rng, (None, "", "9:30", "vormittags")), pick(rng, words.SERVICES) if number % 2 else None,
            pick(rng, words.SENTIMENTS), start, start,
        )  # fmt: skip


@source(
    "id parent_appointment_id company_id branch_id customer_id starts_at ends_at status source booking_type "
    "call_id staff_id service_id calcom_v2_booking_id notes price version metadata created_at updated_at"
)
def appointments(world: World, rng: Random) -> Iterator[Row]:
    random = rng.random
    earlier: dict[int, int] = {}  # customer → the last appointment, which a follow-up names as its parent
    for number in range(1, world.appointments + 1):
        customer = world.callers[number - 1] if world.linked(number) else 1 + int(random() * len(world.owner))
        company = world.owner[customer - 1]
        day = int(random() * (HISTORY + 60))
        minute = 15 * int(28 + random() * 52)
        created = DAYS[min(day, HISTORY - 1)] + MINUTES[int(random() * 420)] + ":07"
        parent = earlier.get(customer) if random() < 0.3 else None
        earlier[customer] = number
        yield (
            number, parent, company.id, pick(rng, company.branches) if random() < 0.9 else None, customer,
            DAYS[day] + MINUTES[minute] + ":00", DAYS[day] + MINUTES[minute + 45] + ":00",
            pick(rng, ("pending", "confirmed", "confirmed", "completed", "cancelled", "no_show")),
            pick(rng, ("phone", "phone", "web", "")), "recurring" if parent else "single",
            number if world.linked(number) else None,
            pick(rng, company.staff) if random() < 0.9 else None,
            pick(rng, company.services) if random() < 0.92 else None, f"bk_{number:07}" if number % 3 else None,
            pick(rng, words.NOTES), int(random() * 20000) if number % 2 else None, number % 4,
            pick(rng, words.JSON_TEXTS), created, created,
        )  # fmt: skip


@source("id event_type call_id payload status attempts processed_at error_message created_at updated_at")
def retell_webhooks(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.retell_webhooks + 1):
        call = 1 + int(rng.random() * len(world.callers))
        event = ("call_started", "call_ended", "call_analyzed")[number % 3]
        status = pick(rng, words.WEBHOOK_STATES)
        created = past(rng)
        yield (
            number, event, f"call_{call:08x}", f'{{"event":"{event}","call":{{"call_id":"{call}","retry":{number % 5}}}}}',
            status, number % 3, created if status == "processed" else None,
            "Zeitüberschreitung ⏱" if status == "failed" else None, created, created,
        )  # fmt: skip


@source(
    "id webhook_type event_type webhook_id correlation_id status payload error_message retry_count "
    "processing_time_ms company_id created_at updated_at"
)
def webhook_logs(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.webhook_logs + 1):
        kind = pick(rng, ("calcom", "calcom", "calcom", "retell", "stripe"))
        created = past(rng)
        yield (
            number, kind, ("BOOKING_CREATED", "BOOKING_CANCELLED", "MEETING_ENDED")[number % 3], f"wh_{number:08}",
            f"{rng.getrandbits(64):016x}", pick(rng, words.WEBHOOK_STATES),
            f'{{"triggerEvent":"BOOKING","uid":"bk_{number:07}","title":"Größe & Maß"}}' if number % 9 else None,
            "HTTP 502" if number % 31 == 0 else None, number % 2, int(rng.random() * 800),
            pick(rng, world.companies).id if number % 8 else None, created, created,
        )  # fmt: skip


@source("id lock_token branch_id staff_id event_type_id starts_at ends_at expires_at holder_id metadata created_at")
def appointment_locks(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.locks + 1):
        company = pick(rng, world.companies)
        day = HISTORY + int(rng.random() * 50)
        minute = 15 * int(28 + rng.random() * 50)
        yield (
            number, f"{rng.getrandbits(160):040x}", pick(rng, company.branches),
            pick(rng, company.staff) if number % 3 else None, pick(rng, company.services),
            DAYS[day] + MINUTES[minute] + ":00", DAYS[day] + MINUTES[minute + 30] + ":00",
            DAYS[HISTORY] + MINUTES[number % 1440] + ":00", None if number % 4 else "", pick(rng, words.JSON_TEXTS),
            past(rng),
        )  # fmt: skip


@source(
    "id service endpoint method request_body response_status response_body duration_ms correlation_id "
    "company_id user_id ip_address requested_at responded_at created_at updated_at"
)
def api_call_logs(world: World, rng: Random) -> Iterator[Row]:
    random = rng.random
    for number in range(1, world.api_call_logs + 1):
        service, endpoint, method = pick(rng, words.ENDPOINTS)
        asked = past(rng)
        yield (
            number, service, endpoint, method, f'{{"seite":{number % 9},"größe":20}}' if method == "POST" else None,
            pick(rng, (200, 200, 200, 201, 404, 429, 500)), '{"status":"ok","data":[]}' if number % 3 else None,
            int(random() * 90000) / 64, f"{rng.getrandbits(64):016x}",
            pick(rng, world.companies).id if random() < 0.9 else None, None, "10.1.2.3", asked, asked,
            asked if random() < 0.9 else None, asked,
        )  # fmt: skip


@source("id calcom_uid appointment_id event_type_id status raw_payload created_at updated_at")
def calcom_bookings(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.bookings + 1):
        created = past(rng)
        yield (
            number, f"bk_{number:07}", 1 + int(rng.random() * world.appointments) if number % 9 else None,
            2_000_000 + number % 300, "active" if number % 5 else "cancelled", '{"title":"Termin 📅"}', created, created,
        )  # fmt: skip


@source("id company_id number invoice_date due_date subtotal tax_amount total status sent_at metadata created_at updated_at")
def invoices(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.invoices + 1):
        cents = 1000 + int(rng.random() * 90000)
        tax = round(cents * 19 / 100)
        day = int(rng.random() * (HISTORY - 1))
        stamp = DAYS[day] + " 06:00:00"
        amounts = [f"{amount // 100}.{amount % 100:02}" for amount in (cents, tax, cents + tax)]
        yield (
            number, pick(rng, world.companies).id, f"RE-{number:06}", DAYS[day], DAYS[day + 14], *amounts,
            ("draft", "sent", "paid")[number % 3], stamp if number % 3 else None, pick(rng, words.JSON_TEXTS), stamp, stamp,
        )  # fmt: skip


@source(
    "id company_id branch_id start_date end_date status total_minutes included_minutes price_per_minute "
    "total_cost margin_percentage proration_factor is_invoiced created_at updated_at"
)
def billing_periods(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.periods + 1):
        company = pick(rng, world.companies)
        day = int(rng.random() * (HISTORY - 31))
        stamp = DAYS[day + 30] + " 00:00:01"
        yield (
            number, str(company.id), pick(rng, company.branches) if number % 2 else None, DAYS[day], DAYS[day + 30],
            ("pending", "processed")[number % 2], f"{int(rng.random() * 4000)}.{number % 100:02}", 500,
            f"0.{1000 + number % 9000}", f"{int(rng.random() * 900)}.50", f"{-5 + number % 60}.25",
            None if number % 3 else f"0.{number % 10000:04}", number % 2, stamp, stamp,
        )  # fmt: skip


@source(
    "id company_id price_per_minute monthly_base_fee included_minutes is_active valid_from valid_until notes "
    "created_at updated_at"
)
def company_pricing(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, 2 * len(world.companies) + 1):
        stamp = past(rng)
        yield (
            number, 1 + number % len(world.companies), f"0.{1000 + int(rng.random() * 9000)}", "49.00", 100,
            number % 2, DAYS[number], DAYS[number + 300] if number % 2 else None, pick(rng, words.NOTES), stamp, stamp,
        )  # fmt: skip


TABLES = (
    calls,
    appointments,
    api_call_logs,
    webhook_logs,
    retell_webhooks,
    calcom_bookings,
    billing_periods,
    invoices,
    appointment_locks,
    company_pricing,
)
"""The biggest first, so that two connections end at about the same time."""
