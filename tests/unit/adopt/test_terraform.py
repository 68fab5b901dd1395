"""States and plans of Terraform and OpenTofu: what is taken from them, and what is refused or counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from reconciler.adopt.terraform import terraform_state
from reconciler.errors import InvalidInputError


def read(document: Any) -> Any:
    return terraform_state(json.dumps(document), "state.json")


def raw(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 4, "terraform_version": "1.9.5", "serial": 3, "resources": list(resources)}


def project(instances: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "neon_project", "name": "this", "instances": instances, **fields}


def instance(id_: str | None, name: str = "n", **fields: Any) -> dict[str, Any]:
    return {"attributes": {"id": id_, "name": name, "database_password": "secret"}, **fields}


@pytest.mark.parametrize(
    ("resource", "address", "key"),
    [
        (project([instance("p-1")]), "neon_project.this", None),
        (project([instance("p-1", index_key=0)]), "neon_project.this[0]", None),
        (project([instance("p-1", index_key="acme")]), 'neon_project.this["acme"]', "acme"),
        (project([instance("p-1")], module="module.db"), "module.db.neon_project.this", None),
        (
            project([instance("p-1")], module='module.tenant["acme"].module.db'),
            'module.tenant["acme"].module.db.neon_project.this',
            "acme",
        ),
        (
            project([instance("p-1", index_key="beta")], module='module.eu["acme"]'),
            'module.eu["acme"].neon_project.this["beta"]',
            "beta",
        ),
        (project([instance("p-1", index_key='a"b\\c')]), 'neon_project.this["a\\"b\\\\c"]', 'a"b\\c'),
    ],
)
def test_addresses_and_keys(resource: dict[str, Any], address: str, key: str | None) -> None:
    (found,) = read(raw(resource)).projects
    assert (found.address, found.key, found.project_id) == (address, key, "p-1")


def test_what_is_no_project_to_adopt_is_counted() -> None:
    state = read(
        raw(
            project([instance("p-1"), instance("p-2", deposed="0b1c"), instance(None), instance("../x")]),
            {"mode": "data", "type": "neon_project", "name": "other", "instances": [instance("p-3")]},
            {"mode": "managed", "type": "neon_branch", "name": "dev", "instances": [instance("br-1")] * 2},
            {"mode": "managed", "type": "aws_s3_bucket", "name": "b", "instances": [{}]},
        )
    )
    assert [one.project_id for one in state.projects] == ["p-1"]
    assert state.rest == Counter(
        {
            "neon_branch": 2,
            "neon_project without an id": 2,
            "deposed objects, which Terraform is about to delete": 1,
            "data sources": 1,
        }
    )


def shown(*resources: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {"format_version": "1.0", "values": {"root_module": {"resources": list(resources), **root}}}


def test_a_state_and_a_plan_as_terraform_shows_them() -> None:
    one = {
        "address": 'neon_project.this["acme"]',
        "mode": "managed",
        "type": "neon_project",
        "values": {"id": "p-1", "name": "n"},
    }
    inner = {
        "child_modules": [{"child_modules": [{"resources": [{**one, "address": "module.a.neon_project.x"}]}]}]
    }
    assert [found.key for found in read(shown(one)).projects] == ["acme"]
    assert [found.address for found in read(shown(**inner)).projects] == ["module.a.neon_project.x"]
    change = {"type": "neon_project", "mode": "managed", "change": {"actions": ["create"]}}
    plan = {
        "format_version": "1.2",
        "prior_state": shown(one),
        "planned_values": shown(one, one)["values"],
        "resource_changes": [change, {**change, "change": {"actions": ["no-op"]}}],
    }
    found = read(plan)
    assert [one.project_id for one in found.projects] == ["p-1"]
    assert found.rest == Counter({"neon_project that the plan creates": 1})
    assert read({"format_version": "1.2", "resource_changes": [change]}).projects == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not the JSON of a state or plan"),
        ("[]", "not the JSON of a state or plan"),
        ("{}", "neither a state nor a plan"),
        ('{"version": 3, "modules": [], "resources": []}', "a state of version 3"),
        ('resource "neon_project" "x" {}', "not the JSON of a state or plan"),
        ("[" * 100_000, "not the JSON of a state or plan"),
    ],
)
def test_anything_else_is_refused_with_how_to_write_it(text: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why) as refused:
        terraform_state(text, "state.json")
    assert "terraform" in str(refused.value.hint)


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], {"a": 1}])
def test_odd_members_end_no_run(odd: Any) -> None:
    of_project = project([odd, {"attributes": odd}], module=odd)
    documents = (
        {"version": 4, "resources": [odd, {"type": odd}, of_project]},
        {"format_version": odd, "values": odd, "resource_changes": odd, "prior_state": odd},
        shown(odd, {"type": "neon_project", "values": odd, "address": odd, "mode": odd}, child_modules=odd),
    )
    assert [read(document).projects for document in documents] == [()] * 3
