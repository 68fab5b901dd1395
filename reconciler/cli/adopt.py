"""``reconciler adopt``: files for projects that exist."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.adoption import Adoption, adopt, observed_again, portions, without_invalid
from reconciler.adopt.needs import AdoptRequirements, ContentsRequirements
from reconciler.adopt.neon_config import linked_project
from reconciler.adopt.owners import KnownNames
from reconciler.adopt.patterns import patterns
from reconciler.adopt.project_contents import SETTINGS, with_contents
from reconciler.adopt.terraform import TerraformState, terraform_state
from reconciler.cli.account import with_fleet
from reconciler.cli.adopt_answers import answers_in, questions_text
from reconciler.cli.adopt_files import new_tenants, new_tiers, pins_of, starting_files
from reconciler.cli.documents import check_folder, check_outputs, publish, write
from reconciler.cli.fleet_files import FleetFiles
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files import regular_files
from reconciler.files.adopted import MOST_YAML, files_to_write
from reconciler.files.regular_files import UnreadableError
from reconciler.model.values import replace
from reconciler.views.console import stderr_terminal
from reconciler.views.progress import watching
from reconciler.views.view import AdoptionView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.cli.flags import AccountFlags, AdoptFlags, FilesFlags, OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.files.adopted import FilesToWrite
    from reconciler.fleet import Fleet
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

PORTION: Final = 1_000
"""Tenants whose files are written together: what was read below their projects is kept if the run ends early."""
MAX_BYTES: Final = 2**28
"""The largest imported file that is read."""


class _Found(Struct, frozen=True):
    """What the command has found out and written so far."""

    adoption: Adoption
    last: FilesToWrite | None
    before: Mapping[str, bytes]
    """Files that count as existing, although they are not on disk."""
    rest: Counter[str]
    created: frozenset[str] = frozenset()
    edited: frozenset[str] = frozenset()
    invalid: Mapping[str, str] = {}
    plan: Plan | None = None

    @property
    def written(self) -> FilesToWrite:
        """The files of the last portion, which declare everybody."""
        if self.last is None:
            raise ValueError("no portion")
        return self.last

    def with_portion(self, files: FilesToWrite, rest: Counter[str], *, dry_run: bool) -> _Found:
        """With one portion more, which is on disk unless this is a dry run: an interruption costs one portion."""
        if not dry_run:
            files.write()
        return replace(
            self,
            last=files,
            before={**self.before, **files.files} if dry_run else {},
            rest=self.rest + rest,
            created=self.created | set(files.created),
            edited=self.edited | set(files.edited),
            invalid={**self.invalid, **files.invalid},
        )


def run(
    files: FilesFlags, account: AccountFlags, base: str | None, adopting: AdoptFlags, output: OutputFlags
) -> ExitCode:
    """Reads the account, writes the files that adopt it, and plans with them; CHANGES if the plan is not empty."""
    for path, flag in ((adopting.questions, "--questions"), (adopting.state_rm, "--state-rm")):
        if path is not None:
            check_folder(path, flag)
    check_outputs(output, AdoptionView)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    first, desired = starting_files(
        fleet_files, files.directory, adopting.organization, adopting.fleet, adopting.pattern
    )
    terraform = _terraform(adopting)
    names = _names(adopting, desired, terraform, own_naming=not first)

    async def look(fleet: Fleet) -> _Found:
        return await _found(fleet, files, adopting, first, names, terraform)

    share = desired.api.batch_share
    found = with_fleet(account, desired, look, files=fleet_files, base=base, share=share)
    if adopting.questions is not None:
        write(adopting.questions, questions_text(found.adoption.questions), "--questions")
    addresses = _addresses(found.adoption, terraform)
    if adopting.state_rm is not None:
        write(adopting.state_rm, _state_rm(addresses), "--state-rm")
    view = _view(adopting, found, addresses)
    publish(output, view)
    if view.plan.coverage.unknown:
        return ExitCode.INCOMPLETE_VIEW
    return ExitCode.DONE if view.in_sync else ExitCode.CHANGES


async def _found(
    fleet: Fleet,
    files: FilesFlags,
    flags: AdoptFlags,
    first: dict[str, bytes],
    names: KnownNames,
    terraform: TerraformState,
) -> _Found:
    """One list of each organization, what is needed below it, files portion by portion, and the plan with them."""
    below = frozenset({*flags.below, *((SETTINGS,) if terraform.projects else ())})
    needs = AdoptRequirements(names, flags.select, Depth(flags.depth))
    with watching(stderr_terminal()) as on_progress:
        live = await fleet.observe_projects(needs, on_progress=on_progress)
        infer = flags.infer_tiers or bool(first)
        adopted = adopt(fleet.desired, live, names, select=flags.select, infer_tiers=infer)
        found = _Found(adopted, None, first, Counter())
        for part in portions(adopted, PORTION):
            asked = ContentsRequirements(frozenset(one.project.id for one in part.tenants), below)
            live = await fleet.read_contents(live, asked, on_progress=on_progress)
            stated, rest = with_contents(observed_again(part, live), fleet.desired, below)
            found = found.with_portion(_written(files, flags, found, stated), rest, dry_run=flags.dry_run)
        depth = (
            Depth.LIST if needs.depth is Depth.LIST else Depth.DECLARED
        )  # a deep adoption has read all it needs
        planned = await fleet.plan_adopted(_at(fleet, found.written), live, depth=depth, on_progress=on_progress)
    rest = found.rest + terraform.rest + _not_live(live, terraform)
    return replace(found, adoption=without_invalid(adopted, found.invalid), rest=rest, plan=planned.plan)


def _at(fleet: Fleet, written: FilesToWrite) -> DesiredState:
    """The files that are to be written, at the organizations that the fleet is connected to."""
    return replace(written.desired, organizations=fleet.desired.organizations, registry=fleet.desired.registry)


def _written(files: FilesFlags, flags: AdoptFlags, found: _Found, adopted: Adoption) -> FilesToWrite:
    many = len(found.adoption.tenants) > MOST_YAML
    return files_to_write(
        files.directory,
        found.before,
        new_tenants(adopted),
        pins_of(adopted),
        new_tiers(adopted),
        lines=many if flags.write_as is None else flags.write_as == "ndjson",
    )


def _names(flags: AdoptFlags, desired: DesiredState, terraform: TerraformState, *, own_naming: bool) -> KnownNames:
    """What names tenants: answers, imported files and patterns.

    The naming of tiers.yaml is only suggested: it says how new projects are named. One that the command itself
    writes (not ``own_naming``) says nothing of projects that exist.
    """
    answers = {} if flags.answers is None else answers_in(_read(flags.answers, "--answers"), str(flags.answers))
    linked = {
        linked_project(_read(path, "--from-neon-config"), str(path)): path.absolute().parent.name
        for path in flags.from_neon_config
    }
    found = patterns(flags.pattern, tuple(desired.tiers))
    imported = {**terraform.keys, **linked}
    return KnownNames(
        patterns=found,
        answers=answers,
        imported=imported,
        otherwise=terraform.names,
        naming=desired.naming.patterns if own_naming else (),
    )


def _terraform(flags: AdoptFlags) -> TerraformState:
    found = TerraformState()
    for path in flags.from_terraform:
        found += terraform_state(_read(path, "--from-terraform"), str(path))
    return found


def _read(path: Path, flag: str) -> str:
    try:
        return regular_files.read(path, MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{flag} {path}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{flag} {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{flag} {path}: not UTF-8") from error


def _not_live(live: LiveState, terraform: TerraformState) -> Counter[str]:
    """What Terraform holds and the organizations of the fleet do not."""
    seen = {project.id: project.name for project in live.projects}
    gone = sum(one.project_id not in seen for one in terraform.projects)
    renamed = sum(one.name != seen.get(one.project_id, one.name) for one in terraform.projects)
    counts = {
        "neon_project that is in none of the organizations": gone,
        "neon_project that was renamed since Terraform read it": renamed,
    }
    return +Counter(counts)


def _addresses(adopted: Adoption, terraform: TerraformState) -> list[str]:
    """The addresses of the projects that a file declares now, in the order of the addresses."""
    ours = {one.project.id for one in (*(tenant.named for tenant in adopted.tenants), *adopted.pinned)}
    return sorted(address for id_, address in terraform.addresses.items() if id_ in ours)


def _state_rm(addresses: list[str]) -> str:
    return "".join(f"terraform state rm {shlex.quote(one)}\n" for one in addresses)


def _view(flags: AdoptFlags, found: _Found, addresses: list[str]) -> AdoptionView:
    if found.plan is None:
        raise ValueError("not planned")
    return AdoptionView(
        found.adoption,
        found.plan,
        created=sorted(found.created),
        edited=sorted(found.edited - found.created),
        rest=found.rest,
        addresses=addresses,
        dry_run=flags.dry_run,
        answers=None if flags.questions is None else str(flags.questions),
    )
