"""A tenant file is text: nothing in it is carried out, filled in or included, and little of it is repeated."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.load import load
from tests.unit.files.builders import TIERS, load_files, said

if TYPE_CHECKING:
    from reconciler.files.load import Loaded

BOTH: Final = f'{TIERS}tenants: [{{files: "tenants/*.yaml"}}, {{ndjson: fleet.ndjson}}]\n'
TEMPLATES: Final = st.sampled_from(
    [
        "${HOME}", "$HOME", "${FREE_KEY}", "{{ env.HOME }}", "{% raw %}", "$(id)", "`id`", "%(HOME)s", "{0.a}",
        "!include tiers.yaml", "!ENV ${HOME}", "<<: *x", "~", "../tiers.yaml", "file:///etc/passwd", "@tiers.yaml",
    ]
)  # fmt: skip
ACME: Final = {"tenant": "acme", "tier": "free"}
FOREIGN: Final = {
    "settings of a shell": "DATABASE_PASSWORD=marked-1\nTOKEN='marked-2'\nexport X=\"marked-3\n",
    "a key": "-----BEGIN PRIVATE KEY-----\nmarkedAAAA\nmarkedBBBB\n-----END PRIVATE KEY-----\n",
    "settings as JSON": '{"auths": {"x": {"auth": "marked-1"}}, "y": ["marked-2"]}\n',
    "broken JSON": '{"tenant": "acme", "password": "marked-1", "tier": marked-2}\n',
    "settings as YAML": "users:\n- {name: a, token: marked-1}\n- {token: marked-2}\n",
    "broken YAML": "password: marked-1\ntoken: [marked-2\nother: 'marked-3\n",
    "a table": "name,password\nacme,marked-1\n\tzoe,marked-2\n",
}


def both_ways(text: str, folder: Path) -> Loaded:
    """As a YAML file and as a line."""
    return load_files(folder, {"tenants/acme.yaml": text, "fleet.ndjson": text}, tiers=BOTH)


@given(st.lists(st.one_of(TEMPLATES, st.text("ab ${}", max_size=5)), max_size=4).map("".join))
def test_what_looks_like_a_template_is_the_text_that_it_is(text: str) -> None:
    with TemporaryDirectory() as folder:
        tenant = json.dumps({**ACME, "labels": {"a": text}, "dev_branches": [f"b{text}b"]})
        line = json.dumps({"tenant": "zoe", "tier": "free", "labels": {"a": text}, "dev_branches": [f"b{text}b"]})
        loaded = load_files(Path(folder), {"tenants/acme.yaml": tenant, "fleet.ndjson": line}, tiers=BOTH)
    assert loaded.desired is not None
    for found in loaded.desired.tenants.values():
        assert found.labels == {"a": text}
        assert found.dev_branches is not None
        assert [branch.name for branch in found.dev_branches] == [f"b{text}b"]


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_of_a_file_that_holds_something_else_nothing_is_repeated(text: str, tmp_path: Path) -> None:
    loaded = both_ways(text, tmp_path)
    lines = said(loaded, tmp_path)
    assert loaded.desired is None
    assert any(line.startswith("tenants/acme.yaml:") for line in lines)
    assert any(line.startswith("fleet.ndjson:") for line in lines)
    assert not [line for line in lines if "marked" in line]


def test_the_value_that_is_wrong_is_repeated(tmp_path: Path) -> None:
    load_files(tmp_path, {"tenants/acme.yaml": "tenant: acme\ntier: gold\nlabels: {a: marked}\n"})
    told = str(load(tmp_path).problems)
    assert "gold" in told
    assert "marked" not in told
