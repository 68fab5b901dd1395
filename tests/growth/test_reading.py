"""Reading: no list, no map and no number of documents makes a check that grows with its square."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from reconciler.files.inputs import parse
from reconciler.files.load import load, parse_tenants
from reconciler.files.tenant_schema import TenantDocument
from reconciler.views.console import as_text
from reconciler.views.problems_text import render
from tests.growth.documents import Grown, lists_and_maps
from tests.growth.work import MOST, growth
from tests.unit.files.builders import TIERS, write
from tests.unit.files.test_load import desired

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import BaseModel

    from reconciler.model.problem import Problem

ROOMY: Final = TIERS.replace("branches: 4", "branches: 1000").replace("{max: 2}", "{max: 1000}")
ALL: Final = list(lists_and_maps())
NAMES: Final = [f"{model.__name__}.{'.'.join(grown.path)}" for model, grown in ALL]


def put(document: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The document with the value at the path; the last step may be left empty, for the map around it."""
    step, *rest = filter(None, path)
    inner = document.get(step) or {}
    return document | {step: put(inner, tuple(rest), value) if rest else value}


def text(model: type[BaseModel], grown: Grown, entries: object) -> tuple[str, dict[str, str | bytes]]:
    """tiers.yaml, and the other files."""
    acme: dict[str, Any] = {"tenant": "acme", "tier": "pro"}
    if model is TenantDocument:
        return ROOMY, {"tenants/acme.yaml": json.dumps(put(acme, grown.path, entries))}
    tiers = put(yaml.load(ROOMY, yaml.CBaseLoader), grown.path, entries)  # noqa: S506 (our own text)
    return json.dumps(tiers), {"tenants/acme.yaml": json.dumps(acme)}


def reading(root: Path, tiers: str, files: dict[str, str | bytes]) -> Callable[[], object]:
    write(root, files, tiers=tiers)
    return lambda: as_text(render(load(root).problems))


SHAPES: Final[dict[str, Callable[[Grown, int], object]]] = {
    "all keys": lambda grown, size: grown.entries(size, True),
    "needed keys": lambda grown, size: grown.entries(size, False),
    "one entry again and again": lambda grown, size: _repeated(grown.entries(1, True), size),
    "entries that hold nothing": lambda grown, size: _emptied(grown.entries(size, False)),
    "entries of another kind": lambda grown, size: _emptied(grown.entries(size, False), [{"unknown": [1]}]),
}


def _repeated(entries: object, size: int) -> object:
    return entries * size if isinstance(entries, list) else entries


def _emptied(entries: object, filling: object = None) -> object:
    return dict.fromkeys(entries, filling) if isinstance(entries, dict) else [filling] * len(list(entries))  # type: ignore[call-overload]


@pytest.mark.drawn(6, ci=80, each=("grown", "shape"))
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("model", "grown"), ALL, ids=NAMES)
def test_reading_a_list_or_map(
    model: type[BaseModel], grown: Grown, shape: Callable[[Grown, int], object], tmp_path: Path
) -> None:
    def make(size: int) -> Callable[[], object]:
        return reading(tmp_path / str(size), *text(model, grown, shape(grown, size)))

    assert growth(make, grown.most) <= MOST


def branches(parent: Callable[[int], int]) -> Callable[[int], object]:
    return lambda size: [{"name": f"b{n}", "parent": f"b{parent(n) % size}"} for n in range(size)]


CHAINS: dict[str, Callable[[int], object]] = {
    "each of the one before": lambda size: [{"name": "b0"}, *branches(lambda n: n - 1)(size)[1:]],  # type: ignore[index]
    "each of the one behind": lambda size: [*branches(lambda n: n + 1)(size)[:-1], {"name": f"b{size - 1}"}],  # type: ignore[index]
    "in a circle": branches(lambda n: n + 1),
    "behind a circle": lambda size: [{"name": "x", "parent": "x"}, *branches(lambda n: n - 1)(size)],  # type: ignore[misc]
}


def with_roles(chain: Callable[[int], object]) -> Callable[[int], object]:
    """Each branch has a role of its own, and a database whose owner is the role of the chain's first one."""

    def make(size: int) -> object:
        named: Any = chain(size)
        return [
            branch | {"roles": [f"r{n}"], "databases": [{"name": "d", "owner": "r0"}]}
            for n, branch in enumerate(named)
        ]

    return make


CHAINS |= {f"{name}, with roles": with_roles(chain) for name, chain in CHAINS.items()}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_reading_a_chain_of_branches(chain: Callable[[int], object], tmp_path: Path) -> None:
    def make(size: int) -> Callable[[], object]:
        acme = {"tenant": "acme", "tier": "pro", "dev_branches": chain(size)}
        return reading(tmp_path / str(size), ROOMY, {"tenants/acme.yaml": json.dumps(acme)})

    assert growth(make) <= MOST


TENANTS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "in order": lambda n: {"tenant": f"t{n}", "tier": "pro"},
    "of one name": lambda _: {"tenant": "t", "tier": "pro"},
    "of one project": lambda n: {"tenant": f"t{n}", "tier": "pro", "project_id": "p-1"},
    "of tiers that are not there": lambda n: {"tenant": f"t{n}", "tier": f"pri{n}"},
    "with keys that are not known": lambda n: {"tenant": f"t{n}", "tier": "pro", "labals": {}},
    "without a name": lambda _: {"tier": "pro"},
}
TIERS_OF_MANY: Final = "".join(f"  pro{n}: {{organization: paid}}\n" for n in range(300))


@pytest.mark.drawn(2, ci=10, each=("tenant", "form"))
@pytest.mark.parametrize("tenant", TENANTS.values(), ids=TENANTS)
@pytest.mark.parametrize("form", ["yaml", "ndjson", "files", "stdin", "stdin in one line"])
def test_reading_many_tenants(tenant: Callable[[int], dict[str, Any]], form: str, tmp_path: Path) -> None:
    lines = f"{ROOMY}tenants: [{{ndjson: fleet.ndjson}}, {{files: 'tenants/**/*.yaml'}}]\n"
    fleet = desired(load(write(tmp_path / "given", {})))

    def make(size: int) -> Callable[[], object]:
        documents = [json.dumps(tenant(number)) for number in range(size)]
        if form.startswith("stdin"):
            joined = ", ".join(documents) if "one line" in form else ",\n".join(documents)
            return lambda: as_text(render(parse_tenants(f"[{joined}]", "<stdin>", fleet).problems))
        files: dict[str, str | bytes] = {"fleet.ndjson": "\n".join(documents)}
        if form == "files":
            files = {f"tenants/t{number}.yaml": one for number, one in enumerate(documents)}
        elif form == "yaml":
            files = {"tenants/all.yaml": "\n---\n".join(documents)}
        return reading(tmp_path / str(size), lines, files)

    assert growth(make) <= MOST


def test_a_wrong_tier_is_compared_with_few(tmp_path: Path) -> None:
    """Each of many tenants with each of many tiers would be a square."""

    def make(size: int) -> Callable[[], object]:
        tiers = ROOMY + "".join(f"  pro{n}: {{organization: paid}}\n" for n in range(size))
        return reading(
            tmp_path / str(size),
            tiers,
            {"tenants/all.yaml": "\n---\n".join(f"{{tenant: t{n}, tier: pri{n}}}" for n in range(size))},
        )

    assert growth(make) <= MOST


def test_the_text_of_a_document_on_one_line_is_kept_once(tmp_path: Path) -> None:
    """Each of many tenants with all that stands before it would be a square of memory."""
    fleet = desired(load(write(tmp_path, {})))
    documents = [json.dumps({"tenant": f"t{number}", "tier": "pri"}) for number in range(300)]
    found: list[Problem] = list(parse_tenants(f"[{', '.join(documents)}]", "<stdin>", fleet).problems)
    starts = [f"[{', '.join(documents[:n])}" for n in range(300)]
    wanted = [len(starts[n]) + (2 if n else 0) + documents[n].index('"pri"') + 1 for n in range(300)]
    assert [problem.location.column for problem in found][:100] == wanted[:100]
    assert parse(fleet, documents[0].replace("pri", "pro"), "<stdin>")[1] == ["t0"]
