"""The inverses of the AskProAI migration give back what the transforms made, on every kind of row of the sample data."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from replicator.config import load
from replicator.demo.servers import Server
from replicator.preflight import way_back
from replicator.preflight.context import opened
from tests.askproai import test_transforms
from tests.askproai.conftest import ROOT, filled, legacy  # noqa: F401

nested, weekly = vars(test_transforms)["nested"], vars(test_transforms)["weekly"]
flat, hours = nested.__globals__["flat"], weekly.__globals__["hours"]


def test_every_target_row_of_askproai_comes_back(
    server: Server,
    filled: str,  # noqa: F811
    database: Callable[..., str],
    tmp_path: Path,
) -> None:
    target = database(server, "askproai_migration")
    (tmp_path / "replicator.toml").write_text(f"""
[migration]
name = "askproai"
transforms = "{ROOT / "transforms"}"
schema = "{ROOT / "schema" / "target"}"
state_database = "{target}_state"
[source]
url = "{server.url(filled)}"
password_file = "{server.password_file}"
[target]
url = "{server.url(target)}"
password_file = "{server.password_file}"
""")
    config = load(tmp_path / "replicator.toml", {"XDG_RUNTIME_DIR": str(tmp_path)})
    with opened(config) as context:
        findings = list(way_back.check(context))
    for finding in findings:
        print(finding)
    assert {finding.status for finding in findings} == {"ok"}
    text = "\n".join(finding.message for finding in findings)
    assert "staff_event_type_assignments.is_primary" in text
    assert "calcom_event_types.slug" in text
    assert "customers.company_id" in text  # where the tenant's number stood in for it
    assert "users.role" in text  # what the new table calls staff


TEXTS = (None, "", "kein JSON", '{"a":[1,2.5,true,null]}', '"abc"', "null ", "18446744073709551615", "1e400", '"\\ud83d"', "[]")


@pytest.mark.parametrize("text", TEXTS)
def test_nested_json_comes_back_as_what_nests_alike(text: str | None) -> None:
    assert nested(flat(nested(text))) == nested(text)


def test_hours_come_back() -> None:
    week = {(1, timedelta(hours=9), timedelta(hours=12, minutes=30)), (7, timedelta(hours=22), timedelta(hours=26, seconds=5))}
    week |= {(3, -timedelta(hours=1), timedelta(hours=838, minutes=59, seconds=59))}
    assert set(hours(json.dumps(weekly(week)))) == week
    assert list(hours('{"monday": [{"open": "soon", "close": 7}, 3], "tuesday": null}')) == []
    assert list(hours("[]")) == []
