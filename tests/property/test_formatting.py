"""One form for all files: it is reached in one step, keeps every comment, and means the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.canonical import json_line, tenant_shape, tiers_shape
from reconciler.files.formatting import formatted
from reconciler.files.load import load, parse_tenants
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

    from reconciler.desired.tenant import Tenant

_fleet = load(ROOT).desired
assert _fleet is not None
FLEET = _fleet

DOCUMENT: dict[str, Any] = {
    "tenant": "acme",
    "tier": "pro",
    "labels": {"zone": "b", "plan": "trial", "a": '"x: y"'},
    "overrides": {
        "quota": {
            "active_time": ("1440m", "24h", "1d", "86400s"),
            "data_transfer": ("1024MiB", "1GiB", "1073741824B"),
        },
        "compute": {"min_cu": ("0.50", "0.5"), "max_cu": ("2", "2.0"), "suspend_timeout": ("300s", "5m")},
        "restore_window": ("48h", "2d"),
        "settings": {"maintenance_window": {"weekdays": ["7"], "start_time": '"02:00"', "end_time": '"03:00"'}},
    },
    "snapshots": ["v1", {"name": "v2", "expires_at": ("2031-01-01T00:00:00+02:00", "2030-12-31T22:00:00Z")}],
    "dev_branches": [{"name": "a", "parent": "main", "compute": {"max_cu": ("1.0", "1")}}, "b"],
    "protect": "true",
    "accept": {"history_loss": '"7d -> 1d"'},
    "boosts": [{"quota": {"active_time": "unlimited"}, "until": "2031-06-01T00:00:00Z", "reason": "'a # b'"}],
    "revision": "7",
}


@dataclass
class _Writer:
    """Writes a value with its keys in any order and style, its values in any unit, and comments anywhere."""

    draw: DrawFn
    number: int = 0

    def document(self) -> str:
        return self.comment("") + self.mapping(DOCUMENT, "") + self.comment("")

    def comment(self, indent: str) -> str:
        return f"{indent}{self.remark()}\n" if self.seldom() else ""

    def behind(self) -> str:
        return f"  {self.remark()}" if self.seldom() else ""

    def remark(self) -> str:
        self.number += 1
        return f"# c{self.number}"

    def seldom(self) -> bool:
        return self.draw(st.integers(0, 5)) == 5

    def inline(self, value: Any) -> str:
        if isinstance(value, dict):
            keys = self.draw(st.permutations(list(value)))
            return f"{{{', '.join(f'{key}: {self.inline(value[key])}' for key in keys)}}}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.inline, value))}]"
        return str(self.draw(st.sampled_from(value))) if isinstance(value, tuple) else str(value)

    def entry(self, key: str, value: Any, indent: str) -> str:
        if not isinstance(value, (dict, list)) or self.draw(st.booleans()):
            return f"{key}: {self.inline(value)}{self.behind()}\n"
        deeper = indent + self.draw(st.sampled_from(["  ", "    "]))
        inner = self.mapping(value, deeper) if isinstance(value, dict) else self.items(value, f"{indent}  ")
        return f"{key}:{self.behind()}\n{inner}{self.comment(deeper)}"

    def mapping(self, value: dict[str, Any], indent: str, first: str | None = None) -> str:
        rows = []
        for place, key in enumerate(self.draw(st.permutations(list(value)))):
            blank = "\n" if place and self.seldom() else ""
            lead = first if place == 0 and first is not None else blank + self.comment(indent) + indent
            rows.append(lead + self.entry(key, value[key], indent))
        return "".join(rows)

    def items(self, value: list[Any], indent: str) -> str:
        return "".join(self.comment(indent) + self.item(item, indent) for item in value)

    def item(self, item: Any, indent: str) -> str:
        if isinstance(item, dict) and self.draw(st.booleans()):
            return self.mapping(item, f"{indent}  ", f"{indent}- ")
        return f"{indent}- {self.inline(item)}{self.behind()}\n"


@st.composite
def written(draw: DrawFn) -> str:
    return _Writer(draw).document()


def meaning(text: str) -> Tenant:
    loaded = parse_tenants(text, "acme.yaml", FLEET)
    assert loaded.desired is not None, loaded.problems
    return loaded.desired.tenants["acme"]


def comments(text: str) -> Counter[str]:
    return Counter(re.findall(r"# c\d+", text))


def form(text: str) -> str:
    return formatted(text, tenant_shape())


def keys(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]


@given(written())
def test_the_form_is_reached_in_one_step_keeps_comments_and_means_the_same(text: str) -> None:
    once = form(text)
    assert form(once) == once
    assert meaning(once) == meaning(text)
    assert comments(once) == comments(text)
    assert keys(once) == [key for key in tenant_shape().keys if key in DOCUMENT]


def test_blank_space_in_text_of_several_lines_stays() -> None:
    text = "tenant: acme \ntier: free\nreason: |  \n  a  \n\n  b \nstate: suspended"
    assert form(text) == "tenant: acme\ntier: free\nstate: suspended\nreason: |  \n  a  \n\n  b \n"


def test_line_ends_of_windows_stay() -> None:
    text = "tier: free\r\n# c\r\ntenant: acme\r\n"
    assert form(text) == "# c\r\ntenant: acme\r\ntier: free\r\n"


def test_a_line_of_json_has_the_same_order_and_units() -> None:
    line = '{"overrides": {"quota": {"data_transfer": 1073741824}, "compute": {"max_cu": 0.5}}, "tenant": "é"}'
    assert json_line(json.loads(line)) == (
        '{"tenant": "é", "overrides": {"quota": {"data_transfer": "1GiB"}, "compute": {"max_cu": 0.5}}}'
    )


def test_the_files_of_the_repository_have_the_form() -> None:
    forms: dict[str, Callable[[], Any]] = {"tiers.yaml": tiers_shape}
    for path in (ROOT / "tiers.yaml", *(ROOT / "tenants").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert formatted(text, forms.get(path.name, tenant_shape)()) == text
