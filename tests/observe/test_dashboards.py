"""Dashboard and alerts name only metrics and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicator.observe.metrics import METRICS
from replicator.progress import PHASES
from replicator.progress_parts import HALTS

OPS = Path(__file__).parents[2] / "ops"
RULES = (OPS / "prometheus/replicator.rules.yml").read_text()
DASHBOARD: dict[str, Any] = json.loads((OPS / "grafana/replicator.json").read_text())
BY_NAME = {metric.name: metric for metric in METRICS}
OURS = re.compile(r"\b(replicator_[a-z_]+)(\{[^}]*\})?")


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (annotation["expr"] for annotation in DASHBOARD["annotations"]["list"])
    yield RULES


def used() -> set[tuple[str, str]]:
    return {(name, labels) for expression in expressions() for name, labels in OURS.findall(expression)}


def metric_of(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_every_metric_that_is_used_exists() -> None:
    assert {metric_of(name) for name, _ in used()} <= BY_NAME.keys()


def test_every_metric_is_shown_or_watched() -> None:
    assert BY_NAME.keys() <= {metric_of(name) for name, _ in used()} | {"replicator_build_info"}


def test_labels_that_are_asked_for_exist() -> None:
    for name, labels in used():
        wanted = set(re.findall(r"([a-z_]+)(?:=~|=|!=)", labels)) - {"instance", "job", "le"}
        assert wanted <= set(BY_NAME[metric_of(name)].labels)


def test_phases_that_are_asked_for_exist() -> None:
    asked = {phase for found in re.findall(r'phase=~?"([^"]+)"', "\n".join(expressions())) for phase in found.split("|")}
    assert asked
    assert asked <= {*PHASES, *HALTS}


def test_legends_name_labels_that_are_there() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            metrics = [BY_NAME[metric_of(name)] for name, _ in OURS.findall(target["expr"])]
            known = {"instance"}.union(*(metric.labels for metric in metrics))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    alerts = RULES.split("- alert: ")[1:]
    assert len(alerts) > 10
    for alert in alerts:
        assert re.search(r"severity: (critical|warning|info)", alert)
        assert "summary:" in alert
        assert "description:" in alert


@pytest.mark.parametrize("key", ["title", "uid", "panels", "templating", "schemaVersion"])
def test_the_dashboard_can_be_imported(key: str) -> None:
    assert DASHBOARD[key]


def test_panels_do_not_lie_upon_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & taken
        assert grid["x"] + grid["w"] <= 24
        taken |= cells
