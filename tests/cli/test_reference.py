"""The reference pages say what the code does, and the template names every setting."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources

import pytest

from replicator import errors
from replicator.errors import ReplicatorError
from replicator.progress import Progress
from replicator.reference import FOLDER, pages
from replicator.settings import BY_NAME, SETTINGS
from replicator.transform.loader import load as load_transforms

TEMPLATE = resources.files("replicator").joinpath("init_template")


@pytest.mark.parametrize("name", sorted(pages()))
def test_pages_are_up_to_date(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == pages()[name], "run `python -m replicator.reference`"


def test_every_exit_code_has_its_line() -> None:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ReplicatorError)]
    for one in found:
        assert f"| {one.exit_code} | " in pages()["errors.md"]


def test_every_key_of_the_status_is_explained() -> None:
    progress = Progress("shop")
    progress.expect("a", "a", 1)
    status = json.loads(json.dumps(progress.snapshot()))
    keys = [*status, *status["copy"], *status["tables"][0], *status["cutover"]]
    assert [key for key in keys if f"`{key}`" not in pages()["status.md"]] == []


def test_the_template_names_every_setting_with_its_default() -> None:
    text = TEMPLATE.joinpath("replicator.toml").read_text()
    # Comments that hold an assignment are settings at their default.
    settings = tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    written = {f"{section}.{key}": value for section, keys in settings.items() for key, value in keys.items()}
    assert written.keys() == BY_NAME.keys()
    for setting in SETTINGS:
        setting.read(written[setting.name])
        if setting.default not in (None, ()):
            assert written[setting.name] == setting.default


def test_the_template_has_one_copied_one_joined_and_one_grouped_table() -> None:
    with resources.as_file(TEMPLATE.joinpath("transforms")) as folder:
        found = load_transforms(folder)
    copied, joined, grouped = found.transforms
    assert copied.function is None
    assert joined.related
    assert grouped.group_by == ("customer_id",)
    assert [kept.table for kept in found.kept] == ["sessions"]
