"""Programs that plan from files too, where they are installed: what they cost for as many tenants, in sync."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import yaml

from bench import processes
from bench.fleet_files import Source, declared
from bench.measured import MeasuredPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PEERS_VENV: Final = Path(__file__).parents[1] / ".venv-peers" / "bin"
TERRAFORM: Final = """\
locals {
  files = tomap({
    for file in fileset(path.module, "tenants/**/*.yaml") : trimsuffix(basename(file), ".yaml") => file
  })
}

resource "terraform_data" "tenant" {
  for_each = local.files
  input    = yamldecode(file("${path.module}/${each.value}"))
}
"""
QUIET: Final = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, with files for so many tenants that it finds in sync."""

    name: str
    program: str
    prepare: Callable[[Path, int], Sequence[str]]
    """Writes the files into a folder. Returns the arguments."""
    most_tenants: int
    """More would take too long."""
    unlike: str
    """What it does not do, of what a plan of ours does."""

    def found(self) -> str | None:
        """Where it is installed; None where it is not."""
        return shutil.which(self.program, path=PEERS_VENV) or shutil.which(self.program)

    def measure(self, tenants: int) -> MeasuredPeer | None:
        """Run it once; None where it is not installed. Raises ClickException if it fails."""
        path = self.found()
        if path is None or tenants > self.most_tenants:
            return None
        with TemporaryDirectory(prefix="reconciler-bench-") as folder:
            arguments = self.prepare(Path(folder), tenants)
            empty = median(processes.empty_python().cpu_seconds for _ in range(9))
            run = processes.program(path, *arguments, environ=QUIET)
        return MeasuredPeer(
            peer=self.name,
            version=_version(path),
            tenants=tenants,
            cpu=round(run.cpu_seconds / empty, 2),
            peak_mib=round(run.peak_mib, 1),
        )


def _version(path: str) -> str:
    printed = processes.program(path, "--version", environ=QUIET).printed
    return printed.split("\n", 1)[0].split()[-1].removeprefix("v")


def _octodns(folder: Path, tenants: int) -> Sequence[str]:
    """A zone for each tenant, wanted and live, both as YAML files."""
    zones = [f"{declared(number).name}.example." for number in range(tenants)]
    records = {
        "": {"ttl": 300, "type": "A", "value": "192.0.2.1"},
        "www": {"type": "CNAME", "value": "x.example."},
    }
    for side in ("wanted", "live"):
        (folder / side).mkdir()
        for zone in zones:
            (folder / side / f"{zone}yaml").write_text(yaml.safe_dump(records), encoding="utf-8")
    providers = {
        side: {"class": "octodns.provider.yaml.YamlProvider", "directory": str(folder / side)}
        for side in ("wanted", "live")
    }
    stated = {zone: {"sources": ["wanted"], "targets": ["live"]} for zone in zones}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"providers": providers, "zones": stated}), encoding="utf-8")
    return ("--config-file", str(config), "--quiet")


def _terraform(folder: Path, tenants: int) -> Sequence[str]:
    """The tenant files of our fleet, each the input of a resource without a provider, and the state for them.

    Terraform's own ``apply`` takes minutes for a thousand, because it writes the whole state after each resource.
    """
    Source.YAML.write(folder, map(declared, range(tenants)))
    (folder / "main.tf").write_text(TERRAFORM, encoding="utf-8")
    instances = [_instance(number) for number in range(tenants)]
    resource = {"mode": "managed", "type": "terraform_data", "name": "tenant", "instances": instances}
    resource["provider"] = 'provider["terraform.io/builtin/terraform"]'
    state = {"version": 4, "serial": 1, "lineage": str(UUID(int=1)), "outputs": {}, "resources": [resource]}
    (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")
    return (f"-chdir={folder}", "plan", "-no-color", "-lock=false", "-input=false", "-detailed-exitcode")


def _instance(number: int) -> dict[str, Any]:
    tenant = declared(number)
    stated = yaml.safe_load(tenant.yaml())
    value = {"value": stated, "type": _type(stated)}
    attributes = {"id": str(UUID(int=number)), "input": value, "output": value, "triggers_replace": None}
    return {"index_key": tenant.name, "schema_version": 0, "attributes": attributes, "sensitive_attributes": []}


def _type(value: object) -> object:
    """The type of a value as Terraform writes it into a state."""
    if isinstance(value, dict):
        return ["object", {key: _type(member) for key, member in value.items()}]
    if isinstance(value, list):
        return ["tuple", [_type(item) for item in value]]
    return "string"


PEERS: Final = (
    Peer(
        "octodns-sync",
        "octodns-sync",
        _octodns,
        3_000,
        "Both sides are files: no API is asked. A zone of two records is a quarter of a tenant's file. "
        "No git history is read, and nothing is checked against limits or usage.",
    ),
    Peer(
        "terraform plan",
        "terraform",
        _terraform,
        1_000,
        "The same tenant files, as inputs of `terraform_data` with `for_each`: no provider and no API is asked, "
        "and no key of a file is checked. Its time grows faster than the fleet: it is run for at most 1,000.",
    ),
)
