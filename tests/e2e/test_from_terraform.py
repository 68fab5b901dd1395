"""Configurations of Terraform as people have them, each adopted to an empty plan or with its listed rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.e2e.test_adopt import fill, free, pro, transferring, words

if TYPE_CHECKING:
    from tests.harness.shell import Shell

REGISTRY: Final = 'provider["registry.terraform.io/kislerdm/neon"]'
IN_THE_STATE: Final = "a-word-that-nobody-prints"


@dataclass(frozen=True)
class Shape:
    """One configuration: its projects, and the addresses of their resources."""

    resources: dict[str, ProjectSeed]
    """By address."""
    tenants: tuple[str, ...]
    form: str = "raw"
    attributes: dict[str, Any] = field(default_factory=dict)
    provider: str = REGISTRY
    others: tuple[str, ...] = ()
    """Types of further resources."""
    rest: tuple[str, ...] = ()
    """What the output lists."""
    expect: tuple[str, ...] = ()
    """What stands in the file of the first tenant."""
    flags: tuple[str, ...] = ()


SHAPES: Final = {
    "one project, default values": Shape({"neon_project.this": pro("acme-prod")}, ("acme-prod",)),
    "quota and sizes": Shape(
        {"neon_project.this": free("tenant-1", quota=transferring(9))},
        ("tenant-1",),
        attributes={"quota": [{"data_transfer_bytes": 9}], "default_endpoint_settings": [{"id": "ep-1"}]},
        expect=("data_transfer: 9GiB",),
    ),
    "a project for each name": Shape(
        {f'neon_project.tenant["{name}"]': free(f"db {name}") for name in ("acme", "user_2abCDef")},
        ("acme", "user_2abCDef"),
    ),
    "a number of projects": Shape(
        {f"neon_project.pool[{n}]": free(f"pool-{n}") for n in range(3)}, ("pool-0", "pool-1", "pool-2")
    ),
    "names by a pattern": Shape(
        {f"neon_project.pool[{n}]": free(f"pool-{n}") for n in range(2)},
        ("0", "1"),
        flags=("--pattern", "pool-{tenant}"),
    ),
    "a module for each name": Shape(
        {'module.tenant["acme"].neon_project.this': pro("x-acme")}, ("acme",), expect=("tier: pro",)
    ),
    "a module within a module, as terraform shows it": Shape(
        {'module.eu.module.tenant["acme"].neon_project.this': pro("x-acme")}, ("acme",), form="shown"
    ),
    "a saved plan with a project to be created": Shape(
        {"neon_project.this": pro("acme")},
        ("acme",),
        form="plan",
        rest=("1 neon_project that the plan creates",),
    ),
    "allowed addresses": Shape(
        {
            "neon_project.this": pro(
                "acme", settings={"allowed_ips": {"ips": ["10.0.0.0/8"], "protected_branches_only": True}}
            )
        },
        ("acme",),
        attributes={"allowed_ips": ["10.0.0.0/8"], "allowed_ips_protected_branches_only": "yes"},
        expect=("allowed_ips: {ips: ",),
    ),
    "logical replication": Shape(
        {"neon_project.this": pro("acme", settings={"enable_logical_replication": True})},
        ("acme",),
        attributes={"enable_logical_replication": "yes", "store_password": "yes"},
        expect=("enable_logical_replication: true",),
    ),
    "branches, roles, databases and computes": Shape(
        {"neon_project.this": pro("acme", branches=(BranchSeed("dev"),), database="app", role="owner")},
        ("acme",),
        attributes={"branch": [{"name": "main", "database_name": "app", "role_name": "owner"}]},
        others=("neon_branch", "neon_endpoint", "neon_role", "neon_database", "neon_database", "neon_api_key"),
        rest=("1 neon_branch", "2 neon_database", "1 neon_api_key"),
    ),
    "no history": Shape(
        {"neon_project.this": pro("acme", restore_window_seconds=0)},
        ("acme",),
        attributes={"history_retention_seconds": 0},
        expect=("restore_window: 0s",),
    ),
    "the provider that continues it": Shape(
        {"neon_project.this": pro("acme")},
        ("acme",),
        provider='provider["registry.opentofu.org/neondatabase/neon"]',
        attributes={"default_endpoint_settings": {"autoscaling_limit_min_cu": 0.5}, "allowed_ips": []},
    ),
}


def state(shape: Shape, ids: dict[str, str]) -> dict[str, Any]:
    """The document as Terraform writes it, with the ids that the projects have."""
    values = {
        address: {
            "id": ids[seed.name],
            "name": seed.name,
            "org_id": "org-of-the-state",
            "connection_uri": f"postgres://u:{IN_THE_STATE}@host/db",
            "database_password": IN_THE_STATE,
            **shape.attributes,
        }
        for address, seed in shape.resources.items()
    }
    if shape.form == "raw":
        resources = [resource(address, value, shape.provider) for address, value in values.items()]
        resources += [resource(f"{kind}.x", {"id": "x"}, shape.provider) for kind in shape.others]
        return {"version": 4, "terraform_version": "1.9.8", "serial": 7, "lineage": "l", "resources": resources}
    of_all = {"mode": "managed", "type": "neon_project"}
    rows = {"resources": [{**of_all, "address": at, "values": one} for at, one in values.items()]}
    nested = {"child_modules": [{"address": "module.eu", "child_modules": [rows]}]}
    whole = {"format_version": "1.0", "values": {"root_module": nested if shape.form == "shown" else rows}}
    if shape.form == "shown":
        return whole
    change = {"address": "neon_project.new", **of_all}
    return {
        "format_version": "1.2",
        "prior_state": whole,
        "resource_changes": [{**change, "change": {"actions": ["create"], "after": {"name": "new"}}}],
    }


def resource(address: str, values: dict[str, Any], provider: str) -> dict[str, Any]:
    """One resource of the state itself, with one instance."""
    module, _, own = address.rpartition(".neon_")
    kind, _, name = f"neon_{own}".removeprefix("neon_neon_").partition(".")
    kind = kind if kind.startswith("neon_") else f"neon_{kind}"
    name, _, index = name.partition("[")
    key = {"index_key": json.loads(index.removesuffix("]"))} if index else {}
    return {
        **({"module": module} if module else {}),
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": provider,
        "instances": [{"schema_version": 1, "attributes": values, "sensitive_attributes": [], **key}],
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_configuration_becomes_files_and_the_plan_is_empty(shell: Shell, shape: Shape) -> None:
    paid = [seed for seed in shape.resources.values() if seed.restore_window_seconds != 86_400]
    fill(shell, [seed for seed in shape.resources.values() if seed not in paid], paid)
    shell.write("state.json", json.dumps(state(shape, shell.stored.project_ids())))
    adopted = shell.simulated("adopt", "--from-terraform", "state.json", "--state-rm", "rm.sh", *shape.flags)
    assert adopted.code == 0, adopted.out + adopted.err
    told = words(adopted)
    assert [part for part in shape.rest if part not in told] == []
    files = sorted(path.stem for path in (shell.folder / "tenants").iterdir())
    assert files == sorted(shape.tenants)
    text = (shell.folder / "tenants" / f"{shape.tenants[0]}.yaml").read_text(encoding="utf-8")
    assert [part for part in shape.expect if part not in text] == []
    lines = (shell.folder / "rm.sh").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(shape.resources)
    assert all(line in adopted.out.splitlines() for line in lines)
    assert IN_THE_STATE not in adopted.out + adopted.err + text + "".join(lines)
    planned = shell.simulated("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.out


def test_lines_name_the_resources_as_a_shell_takes_them(shell: Shell) -> None:
    shape = SHAPES["a project for each name"]
    fill(shell, shape.resources.values())
    shell.write("state.json", json.dumps(state(shape, shell.stored.project_ids())))
    adopted = shell.simulated("adopt", "--from-terraform", "state.json")
    assert "terraform state rm 'neon_project.tenant[\"acme\"]'" in adopted.out


def test_what_is_elsewhere_or_was_renamed_is_counted(shell: Shell) -> None:
    fill(shell, [free("acme"), free("beta")])
    ids = {**shell.stored.project_ids(), "gone": "gone-project-1"}
    seeds = {f'neon_project.t["{name}"]': free(name) for name in ("acme", "beta", "gone")}
    document = state(Shape(seeds, ()), ids)
    document["resources"][1]["instances"][0]["attributes"]["name"] = "before"
    shell.write("state.json", json.dumps(document))
    adopted = shell.simulated("adopt", "--from-terraform", "state.json")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "1 neon_project that is in none of the organizations" in words(adopted)
    assert "1 neon_project that was renamed since Terraform read it" in words(adopted)
    assert adopted.out.count("terraform state rm") == 2


def test_a_folder_that_neons_command_line_linked(shell: Shell) -> None:
    fill(shell, [free("what-ever-it-is")])
    (own,) = shell.stored.project_ids().values()
    shell.write("acme/.neon", json.dumps({"projectId": own, "orgId": "org-x"}))
    adopted = shell.simulated("adopt", "--from-neon-config", "acme/.neon")
    assert adopted.code == 0, adopted.out + adopted.err
    assert (shell.folder / "tenants" / "acme.yaml").exists()
    shell.write("acme/.neon", "{}")
    refused = shell.simulated("adopt", "--from-neon-config", "acme/.neon")
    assert (refused.code, "has no projectId" in refused.err) == (3, True)
