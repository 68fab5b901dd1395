"""The files of a new fleet's repository, made from templates. A file that exists is never touched."""

from __future__ import annotations

import errno
import json
import os
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from reconciler.desired.destinations import VariableUse, is_permitted
from reconciler.files.json_schema import tenant_schema, tiers_schema
from reconciler.files.price_list import PRICE_LIST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path, PurePosixPath

STATED_ON: Final = date(2026, 11, 12)
"""The day on which the limits and prices of ``starter/tiers.yaml.jinja`` were looked up."""
SPONSORED: Final = "free"
"""The name of an organization that Neon sponsors, with the limits of the Agent plan's free one."""
NAMED_BY_WORKFLOWS: Final = frozenset(
    {"NEON_FREE_ORG_ID", "NEON_PAID_ORG_ID", "FREE_ORG_API_KEY", "PAID_ORG_API_KEY", "PERSONAL_API_KEY"}
)
"""The variables of the workflows in this program's repository; other names need the action instead."""
FORGES: Final[Mapping[str, str]] = {"github": "github.com", "gitlab": "gitlab.com"}
WORKFLOW: Final = ".github/workflows/fleet.yml"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class StartOrganization(Struct, frozen=True):
    """An organization of the new fleet."""

    name: str
    id: str
    """An id, or a variable as ``${NAME}``."""
    key: str
    """The name of the variable that contains the key."""

    @property
    def sponsored(self) -> bool:
        """Whether Neon pays for it."""
        return self.name == SPONSORED

    @property
    def id_variable(self) -> str | None:
        """The name of the variable that contains the id, if one does."""
        return self.id[2:-1] if self.id.startswith("$") else None


class PinnedProgram(Struct, frozen=True):
    """Where the workflows and hooks take this program from, pinned."""

    repository: str
    """OWNER/NAME."""
    commit: str
    """The full id of a commit."""
    host: str | None = None
    """The host of the repository; None for the one that everybody uses."""


class Start(Struct, frozen=True, dict=True):
    """The answers from which the files are made. Every text of them has been checked."""

    fleet: str
    project_name: str
    organizations: tuple[StartOrganization, ...]
    personal_key: str | None
    version: str
    """Of this program."""
    program: PinnedProgram | None = None
    reviewer: str | None = None
    """Who has to review changes of tiers.yaml."""
    forge: str | None = "github"
    below: str = ""
    """The fleet's folder from the top of the repository, with a slash at its end; empty for the top itself."""

    @cached_property
    def organization_keys(self) -> list[str]:
        """The variables with the keys of the organizations."""
        return [each.key for each in self.organizations]

    @cached_property
    def ids(self) -> list[str]:
        """The variables with the ids of the organizations."""
        return [each.id_variable for each in self.organizations if each.id_variable]

    @cached_property
    def keys(self) -> list[str]:
        """The variables with keys."""
        return [*self.organization_keys, *([self.personal_key] if self.personal_key else [])]

    @cached_property
    def foreign(self) -> list[str]:
        """The variables that the files of a fleet may name only with a permission from outside."""
        ids = [name for name in self.ids if not is_permitted(name, VariableUse.ID)]
        return [*ids, *(name for name in self.keys if not is_permitted(name, VariableUse.KEY))]

    def tier_of(self, organization: StartOrganization) -> str:
        """The name of the tier with the usual quotas of an organization."""
        paid = [each.name for each in self.organizations if not each.sponsored]
        return "pro" if organization.name in paid[:1] else organization.name

    @property
    def tiers(self) -> list[str]:
        """The names of the usual tiers, the smallest first."""
        ordered = sorted(self.organizations, key=lambda each: not each.sponsored)
        return [self.tier_of(each) for each in ordered]

    @property
    def in_repository(self) -> tuple[str, ...]:
        """The files of the forge, which are read at the top of a repository only."""
        of_forge = {"github": (WORKFLOW, ".github/CODEOWNERS"), "gitlab": (".gitlab-ci.yml", ".gitlab/CODEOWNERS")}
        return of_forge.get(self.forge or "", ())


def of_fleet(start: Start) -> Iterator[tuple[str, str]]:
    """The files of the fleet's folder: path and text."""
    yield PRICE_LIST, _made("tiers.yaml", start)
    yield "tenants/README.md", _made("tenants.md", start)
    yield ".schemas/tiers.json", json.dumps(tiers_schema(), indent=2) + "\n"
    yield ".schemas/tenant.json", json.dumps(tenant_schema(), indent=2) + "\n"
    yield "README.md", _made("readme.md", start)
    yield ".gitignore", _made("gitignore", start)


def of_repository(start: Start) -> Iterator[tuple[str, str]]:
    """The files that tools read at the top of a repository: path and text."""
    if start.forge is not None and start.program is not None:
        yield start.in_repository[0], _made(_workflow(start), start)
    if start.forge is not None and start.reviewer is not None:
        yield start.in_repository[1], _made("codeowners", start)
    yield ".pre-commit-config.yaml", _made("pre-commit.yaml", start)
    yield ".vscode/settings.json", _made("vscode.json", start)


def _workflow(start: Start) -> str:
    if start.forge == "gitlab":
        return "gitlab-ci.yml"
    usual = NAMED_BY_WORKFLOWS.issuperset([*start.ids, *start.keys])
    return "fleet.yml" if usual else "fleet-by-action.yml"


def write_new(folder: Path, path: PurePosixPath, text: str) -> bool:
    """Write a file that does not exist yet. Returns False, and changes nothing, if anything is at its path.

    Links are not followed. Raises OSError of the system.
    """
    at = folder
    for step in path.parts[:-1]:
        at /= step
        at.mkdir(exist_ok=True)
        if at.is_symlink():
            return False
    try:
        descriptor = os.open(folder / path, _NEW, 0o666)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ELOOP):
            return False
        raise
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return True


def _organization(start: Start, each: StartOrganization) -> dict[str, object]:
    key, tier = f"${{{each.key}}}", start.tier_of(each)
    return {"name": each.name, "id": each.id, "key": key, "sponsored": each.sponsored, "tier": tier}


def _made(template: str, start: Start) -> str:
    environment = Environment(
        loader=PackageLoader("reconciler.files", "starter"),
        autoescape=False,  # noqa: S701 - no page: every text has been checked
        undefined=StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{template}.jinja").render(
        as_of=STATED_ON.isoformat(),
        fleet=start.fleet,
        project_name=start.project_name,
        organizations=[_organization(start, each) for each in start.organizations],
        personal_key=start.personal_key and f"${{{start.personal_key}}}",
        version=start.version,
        program=start.program,
        reviewer=start.reviewer,
        forge=start.forge,
        forge_host=(start.program and start.program.host) or FORGES.get(start.forge or "github"),
        below=start.below,
        prefix=start.below.rstrip("/"),
        workflow=start.in_repository[0] if start.forge and start.program else None,
        directory=start.below.rstrip("/") or ".",
        tiers=start.tiers,
        ids=start.ids,
        keys=start.keys,
        organization_keys=start.organization_keys,
        foreign=start.foreign,
    )
