from __future__ import annotations

from decimal import Decimal
from typing import Any

from replicator import copy_table, drop_table, many, one, transform

copy_table("marker")
copy_table("depots", rename={"region_id": "area_id", "name": "title"}, omit=["legacy_note"])
drop_table("regions", reason="nothing reads it, and yet its deletes reach depots, vehicles, trips and stops")


@transform("vehicles", related={"depot": one("depots", where={"id": "depot_id"})})
def vehicles(row: Any, depot: Any) -> Any:
    if row.wheels == 0:
        return None
    return {
        "id": row.id,
        "plate": row.plate,
        "depot_title": depot.name if depot is not None else None,
        "area_id": depot.region_id if depot is not None else None,
        "price_cents": int(row.price * 100) if row.price is not None else None,
    }


@transform(
    "journeys",
    source="trips",
    related={
        "vehicle": one("vehicles", where={"id": "vehicle_id"}),
        "depot": one("depots", where={"id": "vehicle.depot_id"}),
        "stops": many("stops", where={"vehicle_id": "vehicle_id", "number": "number"}, order_by=["position"]),
    },
)
def journeys(row: Any, vehicle: Any, depot: Any, stops: Any) -> Any:
    return {
        "vehicle_id": row.vehicle_id,
        "number": row.number,
        "km": row.km,
        "note": row.note,
        "plate": vehicle.plate if vehicle is not None else None,
        "depot_title": depot.name if depot is not None else None,
        "places": ">".join(stop.place for stop in stops),
        "stops": len(stops),
    }


@transform(
    "vehicle_totals",
    source="trips",
    group_by=["vehicle_id"],
    related={"vehicle": one("vehicles", where={"id": "vehicle_id"})},
)
def vehicle_totals(rows: Any, vehicle: Any) -> Any:
    return {
        "vehicle_id": rows[0].vehicle_id,
        "plate": vehicle.plate if vehicle is not None else None,
        "trips": len(rows),
        "km": sum(row.km for row in rows),
        "longest": max(row.km for row in rows),
    }


@transform(
    "depot_fleets",
    source="depots",
    key={"depot_id": "id"},
    related={"vehicles": many("vehicles", where={"depot_id": "id"}, order_by=["price", "plate"])},
)
def depot_fleets(row: Any, vehicles: Any) -> Any:
    return {
        "depot_id": row.id,
        "vehicles": len(vehicles),
        "plates": ",".join(vehicle.plate for vehicle in vehicles),
        "worth": sum((vehicle.price for vehicle in vehicles if vehicle.price is not None), Decimal("0.00")),
    }


@transform("areas", source="depots", group_by=["region_id"], key={"area_id": "region_id"})
def areas(rows: Any) -> Any:
    return {
        "first_depot_id": rows[0].id,
        "area_id": rows[0].region_id,
        "depots": len(rows),
        "capacity": sum(row.capacity for row in rows),
    }


@transform(
    "crew",
    source="drivers",
    related={
        "boss": one("drivers", where={"id": "boss_id"}),
        "top": one("drivers", where={"id": "boss.boss_id"}),
        "vehicle": one("vehicles", where={"id": "vehicle_id"}),
    },
)
def crew(row: Any, boss: Any, top: Any, vehicle: Any) -> Any:
    if vehicle is None:
        return None
    return {
        "id": row.id,
        "name": row.name,
        "plate": vehicle.plate,
        "boss": boss.name if boss is not None else None,
        "bosses_boss": top.name if top is not None else None,
        "salary": row.salary,
    }
