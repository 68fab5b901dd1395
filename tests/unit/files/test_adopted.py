"""Files that an adoption writes: what is created, what is edited in place, and that no text leaves its place."""

from __future__ import annotations

import json
from difflib import ndiff
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInputError
from reconciler.files.adopted import NewTenant, Pin, files_to_write
from reconciler.files.events import parse
from reconciler.files.load import load
from reconciler.files.new_documents import json_line, yaml_document, yaml_value
from reconciler.files.tiers_edit import NewTier
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = st.text() | st.sampled_from(
    [
        "",
        "null",
        "~",
        "true",
        "1e3",
        "0x1",
        "- x",
        "a: b",
        "{x}",
        "# c",
        "\u2028",
        "\x85",
        "\ud800",
        "'",
        '"',
        "\\",
        "…",
        "🙂",
    ]
)
EXTRA = NewTier("gold", "paid", {"restore_window": "3d"}, "made in a test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    return tmp_path


def a_new(name: str, tier: str = "free", **more: object) -> NewTenant:
    return NewTenant(name, {"tenant": name, "tier": tier, "project_id": f"p-{name.lower()}", **more})  # type: ignore[dict-item]


@given(HOSTILE)
def test_any_text_is_one_value_in_yaml_of_any_reader(text: str) -> None:
    written = yaml_value([text, {"key": text}])
    assert written.isascii()
    assert "\n" not in written
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert yaml.safe_load(written) == [text, {"key": text}]
        assert parse(f"x: {written}\n".encode(), "x").documents[0].value == {"x": [text, {"key": text}]}


@given(HOSTILE)
def test_any_text_in_a_comment_stays_there(text: str) -> None:
    written = yaml_document({"tenant": "acme", "overrides": {"restore_window": "1d"}}, [text], text)
    assert yaml.safe_load(written) == {"tenant": "acme", "overrides": {"restore_window": "1d"}}
    assert written.isascii()


@given(HOSTILE)
def test_any_text_stays_in_its_line_of_json(text: str) -> None:
    line = json_line({"tenant": text})
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {"tenant": text}


def test_few_tenants_get_files_and_many_get_lines(folder: Path) -> None:
    few = files_to_write(folder, {}, [a_new("acme")], [], [])
    assert (few.created, few.edited) == (("tenants/acme.yaml",), ())
    many = files_to_write(folder, {}, [a_new(f"t{number}") for number in range(101)], [], [])
    assert (many.created, many.edited) == (("fleet/adopted.ndjson",), ("tiers.yaml",))
    many.write()
    loaded = load(folder)
    assert loaded.desired is not None
    assert len(loaded.desired.tenants) == 101


def test_tiers_and_sources_are_added_in_place_and_every_comment_stays(folder: Path) -> None:
    text = (
        TIERS.replace("tiers:\n", "tiers:  # a ladder\n    # the first\n", 1) + "# the end\nguards: {}  # none\n"
    )
    (folder / "tiers.yaml").write_text(text, encoding="utf-8")
    files_to_write(folder, {}, [a_new("acme", "gold")], [], [EXTRA], lines=True).write()
    after = (folder / "tiers.yaml").read_text(encoding="utf-8")
    changes = [line for line in ndiff(text.splitlines(), after.splitlines()) if line[0] != " "]
    assert changes == [
        "+   gold:  # made in a test",
        "+     organization: paid",
        "+     restore_window: 3d",
        "+ tenants:",
        '+   - {files: "tenants/**/*.yaml"}',
        '+   - {ndjson: "fleet/*.ndjson"}',
    ]


def test_lines_are_merged_in_the_order_of_names(folder: Path) -> None:
    files_to_write(folder, {}, [a_new("b"), a_new("d")], [], [], lines=True).write()
    files_to_write(folder, {}, [a_new("c"), a_new("a"), a_new("e")], [], [], lines=True).write()
    lines = (folder / "fleet" / "adopted.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["tenant"] for line in lines] == list("abcde")


def test_a_declared_tenant_gets_its_id_and_keeps_its_comments(folder: Path) -> None:
    file = folder / "tenants" / "acme.yaml"
    file.write_text("# A start-up.\ntenant: acme  # not renamed\ntier: free\n", encoding="utf-8")
    found = files_to_write(folder, {}, [], [Pin("acme", "p-1")], [])
    assert (found.created, found.edited) == ((), ("tenants/acme.yaml",))
    assert found.desired.tenants["acme"].project_id == "p-1"
    found.write()
    assert file.read_text(encoding="utf-8") == (
        "# A start-up.\ntenant: acme  # not renamed\ntier: free\nproject_id: p-1\n"
    )


def test_a_document_that_is_not_valid_is_left_out_with_the_reason(folder: Path) -> None:
    wrong = a_new("beta", "free", overrides={"compute": {"max_cu": 16}})
    for lines in (True, False):
        found = files_to_write(folder, {}, [a_new("acme"), wrong, a_new("gamma", "nowhere")], [], [], lines=lines)
        assert sorted(found.desired.tenants) == ["acme"]
        assert sorted(found.invalid) == ["beta", "gamma"]
        assert "16" in found.invalid["beta"]
        assert "nowhere" in found.invalid["gamma"]


def test_nothing_is_written_over_a_file_that_appeared_meanwhile(folder: Path) -> None:
    found = files_to_write(folder, {}, [a_new("acme")], [], [])
    file = folder / "tenants" / "acme.yaml"
    file.write_text("tenant: acme\ntier: pro\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="somebody created it meanwhile"):
        found.write()
    assert file.read_text(encoding="utf-8") == "tenant: acme\ntier: pro\n"
    assert [path.name for path in file.parent.iterdir()] == ["acme.yaml"]


def test_nothing_is_written_through_a_link(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    found = files_to_write(folder, {}, [a_new("acme")], [], [], lines=True)
    (folder / "fleet").symlink_to(elsewhere)
    with pytest.raises(InvalidInputError, match="symbolic link"):
        found.write()
    assert not list(elsewhere.iterdir())


def test_after_an_interruption_the_tiers_are_there_before_their_tenants(folder: Path) -> None:
    found = files_to_write(folder, {}, [a_new("acme", "gold")], [], [EXTRA])
    (folder / "tenants").chmod(0o500)
    (folder / "tenants").rmdir()
    (folder / "tenants").write_text("in the way", encoding="utf-8")
    with pytest.raises(InvalidInputError):
        found.write()
    assert "gold:" in (folder / "tiers.yaml").read_text(encoding="utf-8")
