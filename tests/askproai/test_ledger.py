"""What the ledger takes for right, and what for wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from replicator.demo.askproai_ledger import Fact, Ledger, _expectations, _Expected, _fault

KEY = (1,)


def invoice(token: str | None) -> Fact:
    return Fact("invoices", KEY, None if token is None else {"stripe_invoice_id": token})


def expected(*steps: tuple[str, Any]) -> _Expected:
    """What is expected of one invoice after some lines of a ledger."""
    file = io.StringIO()
    ledger = Ledger(file)
    for what, argument in steps:
        match what:
            case "write":
                ledger.write(argument or "deletion", [invoice(argument)])
            case "done":
                ledger.done(argument or "deletion")
            case "undone":
                ledger.undone(argument)
            case "taken_back":
                ledger.taken_back([invoice(argument)])
    rows, _, _ = _expectations([json.loads(line) for line in file.getvalue().splitlines()])
    return rows["invoices"][KEY]


def verdict(row: _Expected, token: str | None) -> str | None:
    """What is said of an invoice that carries `token`, or, for None, of one that is not there."""
    fault = _fault(row, None if token is None else {"stripe_invoice_id": token}, "stripe_invoice_id")
    return fault and fault[0]


@pytest.mark.parametrize(
    ("steps", "verdicts"),
    [
        # An acknowledged write stands.
        ([("write", "a"), ("done", "a")], {"a": None, "b": "wrong", None: "missing"}),
        # The last acknowledged one wins.
        ([("write", "a"), ("done", "a"), ("write", "b"), ("done", "b")], {"a": "wrong", "b": None, None: "missing"}),
        # A deleted row stays away.
        ([("write", "a"), ("done", "a"), ("write", None), ("done", None)], {"a": "resurrected", None: None}),
        # A write that was found not to have happened must not turn up; what was there before stays.
        (
            [("write", "a"), ("done", "a"), ("write", "b"), ("undone", "b")],
            {"a": None, "b": "resurrected", None: "missing"},
        ),
        # Nor must one that was rolled back.
        ([("taken_back", "a")], {"a": "resurrected", "b": None, None: None}),
        # Without an answer both are right, and nothing else.
        ([("write", "a"), ("done", "a"), ("write", "b")], {"a": None, "b": None, "c": "wrong", None: "missing"}),
        ([("write", "a"), ("done", "a"), ("write", None)], {"a": None, "c": "wrong", None: None}),
        # Nothing is known of a row whose only write has no answer.
        ([("write", "a")], {"a": None, "b": None, None: None}),
        # A later write ends the doubt.
        ([("write", "a"), ("done", "a"), ("write", "b"), ("write", "c"), ("done", "c")], {"b": "wrong", "c": None}),
    ],
)
def test_verdicts(steps: list[tuple[str, Any]], verdicts: dict[str | None, str | None]) -> None:
    row = expected(*steps)
    assert {token: verdict(row, token) for token in verdicts} == verdicts
