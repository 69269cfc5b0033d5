from __future__ import annotations

from decimal import Decimal
from typing import Any

from replicator import copy_table, many, one, transform

copy_table("marker")
copy_table("readings", target="measurements", rename={"taken": "taken_at"})


@transform(
    "sensor_totals",
    source="readings",
    group_by=["sensor_id"],
    related={"sensor": one("sensors", where={"id": "sensor_id"})},
)
def sensor_totals(rows: Any, sensor: Any) -> Any:
    factor = sensor.factor if sensor is not None else Decimal("1.000")
    return {
        "sensor_id": rows[0].sensor_id,
        "name": sensor.name if sensor is not None else None,
        "readings": len(rows),
        "total": factor * sum(row.value for row in rows if row.value is not None),
        "last_id": rows[-1].id,
    }


@transform(
    "latest",
    source="sensors",
    key={"sensor_id": "id"},
    related={"readings": many("readings", where={"sensor_id": "id"}, order_by=["taken"])},
)
def latest(row: Any, readings: Any) -> Any:
    known = [reading for reading in readings if reading.value is not None and reading.taken is not None]
    return [
        {"sensor_id": row.id, "place": place, "reading_id": reading.id, "value": reading.value}
        for place, reading in enumerate(reversed(known[-3:]))
    ]
