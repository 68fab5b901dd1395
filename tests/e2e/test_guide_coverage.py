"""docs/guide-coverage.md is true: what it names exists, and no section of the guide is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.main import group
from reconciler.files.json_schema import tenant_schema, tiers_schema
from tests.e2e.pages import Page
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Page("docs/guide-coverage.md")
ROW: Final = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \| ?(.*?) ?\|$", re.MULTILINE)
WITHOUT_TEST: Final = ("*Nothing to do*",)
SCHEMAS: Final = {"tiers.yaml": tiers_schema(), "tenant": tenant_schema()}


def rows() -> list[tuple[str, str, str, str]]:
    """Section, promise, what does it, and test of each row."""
    _, _, *found = ROW.findall(PAGE.text.replace("|---|---|---|---|", "| - | - | - | - |"))
    return found


KEPT: Final = [row for row in rows() if row[2] not in WITHOUT_TEST]
NAMED: Final = sorted({name for row in KEPT for name in re.findall(r"`([^`]+)`", row[2])})
KEYS: Final = [name for name in NAMED if name.partition(": ")[0] in SCHEMAS]
COMMANDS: Final = [name for name in NAMED if name not in KEYS]
TESTS: Final = sorted({name for row in KEPT for name in re.findall(r"`([^`]+)`", row[3])})


def test_each_section_of_the_guide_has_a_row_in_its_order() -> None:
    (headings,) = re.findall(r"^```\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    assert list(dict.fromkeys(section for section, *_ in rows())) == headings.splitlines()


def test_a_row_names_what_does_it_and_a_test_or_says_that_nothing_does() -> None:
    assert [row for row in rows() if (row[2] in WITHOUT_TEST) != (row[3] == "")] == []
    assert [row for row in KEPT if "`" not in row[2] or not re.search(r"`tests/[^`]+`", row[3])] == []


def test_each_command_and_its_flags_exist() -> None:
    for name in COMMANDS:
        command: click.Command | None = group
        words = name.split()
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, name
        assert {*words} - {option for parameter in command.params for option in parameter.opts} == set(), name


def test_each_key_exists() -> None:
    for name in KEYS:
        file, _, path = name.partition(": ")
        found = [SCHEMAS[file]]
        for key in path.split("."):
            found = [node for schema in found for node in members(SCHEMAS[file], schema, key)]
            assert found, f"{name}: {key}"


def members(root: dict[str, Any], schema: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """The schemas of a key in a schema, below names, in lists and in alternatives."""
    if key in schema.get("properties", {}):
        yield schema["properties"][key]
        return
    below = [*schema.get("patternProperties", {}).values(), *schema.get("anyOf", [])]
    below += [schema["items"]] if "items" in schema else []
    below += [root["$defs"][schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else []
    for each in below:
        yield from members(root, each, key)


def test_each_test_or_scenario_exists() -> None:
    for name in TESTS:
        path, _, function = name.partition("::")
        if path.startswith("tests/scenarios/"):
            assert (ROOT / path / "plan.txt").exists(), name
        else:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^ *(async )?def {function}\(", text, re.MULTILINE), name
