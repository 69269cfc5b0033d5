"""Alerts that fire when they have to, with a runbook each; a dashboard all of whose panels show what a daemon serves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from replicator import errors
from replicator.errors import ReplicatorError
from replicator.mysql.position import Position
from replicator.observe.metrics import exposition, registry
from replicator.progress import Progress
from tests.ops.test_commands import anchors

PROJECT = Path(__file__).parents[2]
OPS = PROJECT / "ops"
RULES = OPS / "prometheus/replicator.rules.yml"
DASHBOARD: dict[str, Any] = json.loads((OPS / "grafana/replicator.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def promtool(*arguments: str) -> None:
    """Prometheus' own judge of rules; without it a test is skipped, in CI it fails."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no promtool is installed: run ops/install/install.sh", pytrace=False)
        pytest.skip("no promtool is installed: run ops/install/install.sh")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_has_to_and_not_otherwise() -> None:
    promtool("test", "rules", str(Path(__file__).with_name("alerts.yml")))


def test_the_example_of_a_configuration_is_one(tmp_path: Path) -> None:
    for name in ("scrape.yml", RULES.name):
        shutil.copy(OPS / "prometheus" / name, tmp_path)
    promtool("check", "config", str(tmp_path / "scrape.yml"))


def test_each_alert_is_tried() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    fired = set(re.findall(r'alertname="(\w+)"', Path(__file__).with_name("alerts.yml").read_text()))
    assert alerts == fired


def test_each_alert_has_a_runbook() -> None:
    for alert in RULES.read_text().split("- alert: ")[1:]:
        name = alert.split()[0]
        found = re.search(r"runbook: (\S+)#(\S+)", alert)
        assert found, name
        assert found[2] == name.lower()
        assert found[2] in anchors(PROJECT / found[1])


def test_each_error_that_ends_the_daemon_has_a_runbook() -> None:
    titles = re.findall(r"^## (.*)$", (OPS / "runbooks/errors.md").read_text(), re.MULTILINE)
    told = {name for title in titles for name in title.split(", ")}
    ending = {
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ReplicatorError) and not kind.transient
    }
    assert told == ending - {"ReplicatorError", "Interrupted"}


# The dashboard ------------------------------------------------------------------------------------------------


def busy() -> Progress:
    """One to which everything has happened."""
    progress = Progress("shop")
    progress.expect("customers", "customers", 10)
    progress.enter("copying")
    progress.copied("customers", 10)
    progress.finished("customers")
    progress.enter("replicating")
    progress.connected("forward")
    progress.received("forward", "customers", "update", 5)
    progress.applied("forward", "customers", "update", 5)
    progress.at("forward", Position("b.000001", 100), 999.5, transactions=2)
    progress.upstream_at("forward", Position("b.000001", 150))
    progress.retention(86400)
    progress.took("rows", 0.2)
    progress.verified("customers", 10, 0)
    progress.throttled("replica_lag", "r1 is 12 s behind")
    progress.retried("stream", errors.SourceConnectionLost("gone"))
    progress.cutover_ended("undone")
    return progress


def expressions() -> Iterator[str]:
    """With Grafana's variables filled in."""
    found = [target["expr"] for panel in PANELS for target in panel["targets"]]
    found += [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]]
    for expression in found:
        for name, value in {"$instance": ".*", "$__rate_interval": "1m", "$__range": "5m"}.items():
            expression = expression.replace(name, value)
        yield expression


def series() -> dict[str, float]:
    """What is scraped, with the labels that a scrape adds."""
    found = {}
    for family in text_string_to_metric_families(exposition(registry(busy())).decode()):
        for sample in family.samples:
            labels = {**sample.labels, "job": "replicator", "instance": "d"}
            found[sample.name + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"] = sample.value
    return found


def test_every_panel_shows_something(tmp_path: Path) -> None:
    """Counters rise by one each step, so that every rate is one."""
    inputs = []
    for name, value in series().items():
        rises = re.search(r"_(total|bucket|sum|count)\{", name)
        inputs.append(f"      - {{series: {json.dumps(name)}, values: '{'0+1x60' if rises else f'{value}+0x60'}'}}")
    tests = []
    for expression in expressions():
        shown, value = f"count({expression}) > bool 0", 1
        if expression.startswith("changes("):  # the phase does not change here
            shown, value = f"count({expression}) or vector(0)", 0
        samples = f"[{{labels: '{{}}', value: {value}}}]"
        tests.append(f"      - {{expr: {json.dumps(shown)}, eval_time: 5m, exp_samples: {samples}}}")
    lines = ["evaluation_interval: 1m", "tests:", "  - interval: 5s", "    input_series:", *inputs]
    (tmp_path / "panels.yml").write_text("\n".join([*lines, "    promql_expr_test:", *tests]) + "\n")
    promtool("test", "rules", str(tmp_path / "panels.yml"))


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_says_where_from_what_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        assert 'instance=~"$instance"' in target["expr"]
        assert target["legendFormat"]


@pytest.mark.parametrize(
    "subject", ["phase", "lag", "copied", "verif", "frozen", "freeze", "quarantined", "throttled", "errors", "retries"]
)
def test_what_operators_ask_for_is_shown(subject: str) -> None:
    assert any(subject in target["expr"] for panel in PANELS for target in panel["targets"])
