"""The files of the measured fleet: a tenant as YAML or as a line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TENANTS_PER_FILE: Final = 1000
"""Of a folder of YAML files, or of a file of JSON lines."""
PAYING: Final = 10
"""One tenant in so many is of the tier pro."""
DETAILED: Final = 100
"""One tenant in so many declares a snapshot and a branch: its details have to be read."""

YAML: Final = """\
# Tenant {name}, signed up through the web site.
tenant: {name}
tier: {tier}
labels:
  plan: {tier}
  owner: team-{team}
  region: eu-central
  signed-up: web-site
{customer}overrides:
  quota:
    data_transfer: {data_transfer}
    logical_size: 600MiB
"""
YAML_DETAILS: Final = """\
snapshots:
  - v1.0-stable
dev_branches:
  - development
"""


@dataclass(frozen=True, slots=True)
class DeclaredTenant:
    """A tenant of the measured fleet, as the files state it."""

    number: int
    tier: str
    prefix: str = "t"
    data_transfer: str = "6GiB"
    customer: str = ""
    """The value of a label that no other tenant has; empty for none."""

    @property
    def name(self) -> str:
        """Of one length, so that names are in the order of numbers."""
        return f"{self.prefix}{self.number:05d}"

    @property
    def detailed(self) -> bool:
        """Whether it declares a snapshot and a branch."""
        return self.prefix == "t" and self.number % DETAILED == 0

    @property
    def file_number(self) -> int:
        """Which folder, or which file of lines, it is in."""
        return self.number // TENANTS_PER_FILE

    def yaml(self) -> str:
        """The text of its YAML file."""
        team = self.number % 40
        customer = f"  customer: {self.customer}\n" if self.customer else ""
        text = YAML.format(
            name=self.name, tier=self.tier, team=team, data_transfer=self.data_transfer, customer=customer
        )
        return text + (YAML_DETAILS if self.detailed else "")

    def line(self) -> str:
        """The same as a line of JSON."""
        labels = {"plan": self.tier, "owner": f"team-{self.number % 40}"}
        labels |= {"region": "eu-central", "signed-up": "web-site"}
        labels |= {"customer": self.customer} if self.customer else {}
        quota = {"data_transfer": self.data_transfer, "logical_size": "600MiB"}
        stated: dict[str, Any] = {"tenant": self.name, "tier": self.tier, "labels": labels}
        stated["overrides"] = {"quota": quota}
        if self.detailed:
            stated |= {"snapshots": ["v1.0-stable"], "dev_branches": ["development"]}
        return json.dumps(stated)


def declared(number: int) -> DeclaredTenant:
    """The tenant with this number, as the fleet has it before anything is changed."""
    return DeclaredTenant(number, "free" if number % PAYING else "pro")


class Source(StrEnum):
    """How the tenants are declared."""

    YAML = "YAML files"
    NDJSON = "NDJSON"

    @property
    def in_price_list(self) -> str:
        """What tiers.yaml says about it."""
        return "" if self is Source.YAML else 'tenants:\n  - ndjson: "fleet/*.ndjson"\n'

    def write(self, folder: Path, tenants: Iterable[DeclaredTenant]) -> None:
        """Write these tenants, in the order of their numbers; who is declared already is replaced."""
        for number, together in groupby(tenants, lambda tenant: tenant.file_number):
            if self is Source.YAML:
                _write_files(folder / "tenants" / f"{number:03d}", together)
            else:
                _write_lines(folder / "fleet" / f"{number:03d}.ndjson", together)


def _write_files(folder: Path, tenants: Iterable[DeclaredTenant]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for tenant in tenants:
        (folder / f"{tenant.name}.yaml").write_text(tenant.yaml(), encoding="utf-8")


def _write_lines(file: Path, tenants: Iterable[DeclaredTenant]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    by_name = {json.loads(line)["tenant"]: line for line in lines}
    by_name |= {tenant.name: tenant.line() for tenant in tenants}
    file.write_text("".join(f"{line}\n" for line in by_name.values()), encoding="utf-8")
