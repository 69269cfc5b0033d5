"""Sample rows of the tenants: companies, branches, people, services; odd in the ways real data is odd."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from replicator.demo import askproai_words as words
from replicator.demo.askproai_world import Row, World, full_name, past, pick, source, uuid


@source(
    "id name slug address city postal_code phone email website industry timezone is_active billing_status "
    "billing_type credit_balance calcom_api_key retell_api_key settings created_at updated_at deleted_at"
)
def companies(world: World, rng: Random) -> Iterator[Row]:
    for company in world.companies:
        number = company.id
        city = pick(rng, words.CITIES)
        name = f"{pick(rng, words.TRADES)} {pick(rng, words.LAST_NAMES)}"
        created = past(rng)
        yield (
            number, name, f"tenant-{number}", f"{pick(rng, words.STREETS)} {number}, {city}", city, f"{80000 + number}",
            f"+4989{number:06}", f"info{number}@example.de", "" if number % 5 == 0 else f"https://t{number}.example.de",
            None, "Europe/Berlin", int(number % 11 != 0), ("active", "trial", "suspended")[number % 3],
            ("prepaid", "postpaid")[number % 2], f"{rng.randrange(50000)}.{number % 100:02}", f"cal_live_{number:08x}",
            f"key_{number:08x}", pick(rng, words.JSON_TEXTS), created, created,
            past(rng) if number % 23 == 0 else None,
        )  # fmt: skip


@source(
    "id company_id customer_id name slug city phone_number notification_email active calcom_event_type_id "
    "calendar_mode address postal_code website uuid settings is_active created_at updated_at deleted_at"
)
def branches(world: World, rng: Random) -> Iterator[Row]:
    for company in world.companies:
        for place, branch in enumerate(company.branches):
            city = pick(rng, words.CITIES)
            created = past(rng)
            customer = pick(rng, company.customers) if company.customers and rng.random() < 0.1 else None
            yield (
                branch, company.id, customer, f"Filiale {city} {place}", f"f-{company.id}-{place}", city,
                f"+49221{company.id:04}{place:02}", None if place % 3 else "", 1, None,
                "override" if place % 4 == 3 else "inherit", f"{pick(rng, words.STREETS)} {place + 1}", "50667", None,
                branch, pick(rng, words.JSON_TEXTS), int(rng.random() < 0.9), created, past(rng),
                past(rng) if rng.random() < 0.05 else None,
            )  # fmt: skip


@source("id branch_id staff_id day_of_week start_time end_time created_at")
def working_hours(world: World, rng: Random) -> Iterator[Row]:
    number = 0
    for company in world.companies:
        for branch in company.branches:
            for staff in [None, *rng.sample(company.staff, min(3, len(company.staff)))]:
                for day in range(1, 8):
                    if day > 5 and rng.random() < 0.6:
                        continue
                    early = pick(rng, ("07:30:00", "08:00:00", "09:00:00"))
                    shifts = [(early, "12:30:00"), ("13:30:00", pick(rng, ("17:00:00", "18:00:00")))]
                    if rng.random() < 0.3:
                        shifts = [(early, pick(rng, ("16:00:00", "20:15:30", "24:00:00")))]
                    for start, end in shifts:
                        number += 1
                        yield (number, branch, staff, day, start, end, past(rng))


@source(
    "id company_id branch_id name email phone active home_branch_id calcom_user_id notes skills is_active "
    "capacity_per_day created_at updated_at deleted_at"
)
def staff(world: World, rng: Random) -> Iterator[Row]:
    for company in world.companies:
        for place, person in enumerate(company.staff):
            home = pick(rng, company.branches) if rng.random() < 0.7 else None
            yield (
                person, company.id, pick(rng, company.branches), full_name(rng), f"s{place}@t{company.id}.example.de",
                None if place % 4 else "", 1, home, str(700000 + place) if place % 2 else None, pick(rng, words.NOTES),
                pick(rng, words.JSON_TEXTS), int(rng.random() < 0.9), None if place % 3 else place, past(rng),
                past(rng), past(rng) if rng.random() < 0.05 else None,
            )  # fmt: skip


@source(
    "id name active calcom_event_type_id company_id branch_id tenant_id description price category sort_order "
    "duration is_active created_at updated_at deleted_at"
)
def services(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, sum(len(company.services) for company in world.companies) + 1):
        company = world.companies[number % len(world.companies)]
        # Equal names in one company, one of them deleted: what a mapping by name gets wrong.
        name = words.SERVICES[(company.id + number // len(world.companies) % 6) % len(words.SERVICES)]
        yield (
            number, name, 1, str(2_000_000 + number) if rng.random() < 0.7 else None,
            company.id if rng.random() < 0.95 else None, pick(rng, company.branches) if number % 3 else None,
            str(company.id), pick(rng, words.NOTES), f"{rng.randrange(20, 200)}.{rng.randrange(100):02}", None,
            number % 7, rng.choice((15, 30, 45, 60, None)), int(rng.random() < 0.9), past(rng), past(rng),
            past(rng) if rng.random() < 0.12 else None,
        )  # fmt: skip


@source("id staff_id service_id created_at updated_at")
def staff_service_assignments(world: World, rng: Random) -> Iterator[Row]:
    number = 0
    for company in world.companies:
        moment = past(rng)  # many were made by one import: equal times, decided by the id
        for person in company.staff:
            for service in rng.sample(company.services, min(len(company.services), rng.randrange(7))):
                number += 1
                made = moment if rng.random() < 0.5 else (None if rng.random() < 0.1 else past(rng))
                yield (number, person, service, made, made)


@source("id company_id branch_id phone_number retell_agent_id type description is_active created_at updated_at")
def phone_numbers(world: World, rng: Random) -> Iterator[Row]:
    for company in world.companies:
        for place, branch in enumerate([None, *company.branches, *company.branches]):
            yield (
                uuid(rng), company.id, branch, f"+4930{company.id:04}{place:03}", f"agent_{company.id}_{place}",
                "direct" if branch else "hotline", pick(rng, words.NOTES), int(rng.random() < 0.95), past(rng), past(rng),
            )  # fmt: skip


@source("id name email company_id password remember_token kunde_id tenant_id is_super_admin role created_at updated_at")
def users(world: World, rng: Random) -> Iterator[Row]:
    for number in range(1, world.users + 1):
        company = pick(rng, world.companies)
        yield (
            number, full_name(rng), f"user{number}@example.de", company.id if number % 10 else None,
            f"$2y$10${rng.getrandbits(200):050x}", f"{rng.getrandbits(160):040x}" if number % 2 else None,
            rng.randrange(1, world.kunden + 1) if number % 9 == 0 else None,
            pick(rng, world.companies).id if number % 4 == 0 else None, int(number % 25 == 0),
            pick(rng, words.ROLES), past(rng), past(rng),
        )  # fmt: skip


@source(
    "id company_id name customer_number email phone preferred_branch_id preferred_staff_id notes tags is_vip "
    "total_spent birthday tenant_id date_of_birth preferences skills created_at updated_at"
)
def customers(world: World, rng: Random) -> Iterator[Row]:
    random = rng.random
    for number, company in enumerate(world.owner, start=1):
        old = random() < 0.15  # from the time before companies
        born = f"{1940 + int(random() * 70)}-{1 + int(random() * 12):02}-{1 + int(random() * 28):02}"
        created = past(rng)
        yield (
            number, None if old else company.id, full_name(rng), f"K-{number}" if number % 3 else None,
            f"kunde{number}@example.org" if random() < 0.6 else (None if number % 2 else ""), f"+4917{number:08}",
            pick(rng, company.branches) if random() < 0.3 else None,
            pick(rng, company.staff) if random() < 0.3 else None, pick(rng, words.NOTES), pick(rng, words.JSON_TEXTS),
            int(number % 50 == 0), f"{int(random() * 2000)}.{number % 100:02}", born if number % 4 == 0 else None,
            company.id if old or number % 6 == 0 else None, born if number % 3 == 0 else None,
            pick(rng, words.JSON_TEXTS), pick(rng, words.JSON_TEXTS), created, created,
        )  # fmt: skip


TABLES = (
    customers,
    companies,
    branches,
    working_hours,
    staff,
    services,
    staff_service_assignments,
    phone_numbers,
    users,
)
