"""The changes of a plan, each once with the number of its tenants, in words that all formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.authors import authors_of, by_place
from reconciler.plan.change import Origin, Risk
from reconciler.plan.plan import Layer
from reconciler.plan.shared_changes import CAUSES, PROJECT, TIER, SharedChange, shared_changes
from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.perspective import DRIFT, field_name
from reconciler.views.sentences import counted, names
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.problem import Location
    from reconciler.plan.authors import FileKey
    from reconciler.plan.plan import Authored, Plan
    from reconciler.views.perspective import Perspective

SAMPLES: Final = 5
"""Tenants of a change that are named."""
NAMED_IF_DESTRUCTIVE: Final = 100
"""Tenants of a destructive change that are named."""
COMMITS: Final = 3
"""Commits of a change that are named."""
NAMES_OF_THINGS: Final = 3
ID: Final = 7
"""Characters of a commit's id."""


class Change(Struct, frozen=True):
    """A shared change in words."""

    of: SharedChange
    words: FormattedText
    """``tier pro: compute.max_cu 2 CU -> 4 CU``."""
    marks: str
    """What it does to a tenant; may be empty."""
    held_back: str
    """How many of the tenants a guard refuses, and which guards; may be empty."""
    authors: tuple[FormattedText, ...]
    """Each commit that asks for it, with author, place and subject."""

    @property
    def count(self) -> str:
        """``x 8,412 tenants``."""
        return f"x {counted(len(self.of.tenants), 'tenant')}"

    def tenants(self, *, full: bool) -> FormattedText:
        """The names: some samples, more of them if the change is destructive."""
        most = NAMED_IF_DESTRUCTIVE if self.of.risk is Risk.DESTRUCTIVE else SAMPLES
        return names(self.of.tenants, None if full else most)


class CauseGroup(Struct, frozen=True):
    """The changes with one cause, the riskiest first."""

    title: str
    cause: Origin
    changes: tuple[Change, ...]

    @property
    def tenants(self) -> int:
        """How many tenants they concern."""
        return len({name for change in self.changes for name in change.of.tenants})

    def shown(self, most: int | None) -> Sequence[Change]:
        """The first of them; all that destroy something."""
        if most is None:
            return self.changes
        destructive = sum(change.of.risk is Risk.DESTRUCTIVE for change in self.changes)
        return self.changes[: max(most, destructive)]


TITLES: Final[Mapping[Origin, str]] = {
    Origin.CONFIG: "Requested",
    Origin.COMMAND: "Requested by a command",
    Origin.UNKNOWN: "Cause not known",
    Origin.DRIFT: "Drift",
    Origin.BASE_AHEAD: "The base is ahead of these files",
}
OF_DRIFT: Final[Mapping[Origin, str]] = {**TITLES, Origin.CONFIG: "Not applied", Origin.DRIFT: "Changed by hand"}


def overviews(plan: Plan, perspective: Perspective) -> list[CauseGroup]:
    """Return the changes by cause; empty for few tenants, or if there are as many changes as tenants."""
    shared = shared_changes(plan)
    concerned = len({name for change in shared for name in change.tenants})
    if concerned <= SAMPLES or len(shared) >= concerned:
        return []
    authored = by_place(plan)
    worded = [_worded(change, authored, perspective) for change in shared]
    titles = OF_DRIFT if perspective is DRIFT else TITLES
    groups = {cause: tuple(change for change in worded if change.of.cause is cause) for cause in CAUSES}
    return [CauseGroup(titles[cause], cause, found) for cause, found in groups.items() if found]


def authors_by_tenant(plan: Plan) -> dict[str, tuple[FormattedText, ...]]:
    """Return the commits that ask for changes of each tenant, in words."""
    authored = by_place(plan)
    found: dict[str, dict[str, Authored]] = {}
    for change in shared_changes(plan) if authored else ():
        for one in authors_of(change, authored):
            for tenant in change.tenants if one.tenant is None else (one.tenant,):
                found.setdefault(tenant, {}).setdefault(one.commit, one)
    return {tenant: tuple(map(_author, commits.values())) for tenant, commits in found.items()}


def changed_lines(plan: Plan, perspective: Perspective) -> Iterator[tuple[Location, Change]]:
    """Yield each line of a tier that asks for a change, with the change in words."""
    authored = by_place(plan)
    for change in shared_changes(plan) if authored else ():
        worded = _worded(change, authored, perspective)
        yield from ((one.source, worded) for one in authors_of(change, authored) if one.tier is not None)


def _worded(change: SharedChange, authored: Mapping[FileKey, Authored], perspective: Perspective) -> Change:
    return Change(
        of=change,
        words=_words(change, perspective),
        marks="" if perspective is DRIFT else ", ".join(_marks(change, perspective)),
        held_back="" if perspective is DRIFT else _held_back(change),
        authors=tuple(_authors(authors_of(change, authored))),
    )


def _words(change: SharedChange, perspective: Perspective) -> FormattedText:
    if change.thing == TIER:
        return formatted("tier {} -> {}", str(change.before), str(change.after))
    if change.path is None:
        return _whole_action(change, perspective)
    field = formatted("{}{}", _whose(change), formatted("{}", label(change.path)))
    turn = _turn(change, perspective)
    where = _layer(change)
    return formatted("{}{} {}", formatted("{}: ", where) if where else FormattedText(), field, turn)


def _layer(change: SharedChange) -> FormattedText:
    """Where the files state the value; nothing where neither tier nor tenant states it."""
    if change.layer is Layer.TIER:
        return FormattedText() if change.tier is None else formatted("tier {}", change.tier)
    words = {Layer.OVERRIDE: "override", Layer.BOOST: "boost", Layer.FILE: "tenant's file", Layer.NAMING: "naming"}
    return formatted(words[change.layer])


def _whose(change: SharedChange) -> FormattedText:
    if change.thing == PROJECT:
        return FormattedText()
    return formatted("{} ", _things(change))


def _things(change: SharedChange) -> FormattedText:
    """``branch development``, ``branches a, b, c and 9 more``."""
    plural = {"branch": "branches"}.get(change.thing, f"{change.thing}s")
    if not change.names:
        return formatted(change.thing)
    return formatted(
        f"{change.thing if len(change.names) == 1 else plural} {{}}", names(change.names, NAMES_OF_THINGS)
    )


def _turn(change: SharedChange, perspective: Perspective) -> FormattedText:
    if change.values > 1:
        return formatted(f"({counted(change.values, 'pair')} of values)")
    before, after = (worded(change.path or "", value) for value in (change.before, change.after))
    live, files = formatted(perspective.live), formatted(perspective.files)
    return formatted("{}{}{}{}{}", live, before, formatted(perspective.between), files, after)


_FOUND: Final = {
    "create": "is missing",
    "recover": "is deleted",
    "adopt": "is not adopted",
    "delete": "is not declared",
    "reset": "is not reset",
    "suspend": "runs",
    "restore": "is not restored",
}


def _whole_action(change: SharedChange, perspective: Perspective) -> FormattedText:
    things = _things(change)
    of_tier = formatted(", tier {}", change.tier) if change.tier and change.thing == PROJECT else FormattedText()
    if perspective is DRIFT:
        return formatted(f"{{}}{{}} {_FOUND.get(change.verb, 'is different')}", things, of_tier)
    return formatted(f"{change.verb} {{}}{{}}", things, of_tier)


def _marks(change: SharedChange, perspective: Perspective) -> Iterator[str]:
    if change.restarts:
        yield perspective.restarts
    if change.lowering and change.thing == TIER:
        yield "reduces limits"
    elif change.lowering and change.path is not None:
        yield perspective.reduces.format(field_name(change.path))
    if (
        mark := perspective.risks.get(change.risk, "")
        if not (change.restarts and change.risk is Risk.DISRUPTIVE)
        else ""
    ):
        yield mark


def _held_back(change: SharedChange) -> str:
    if not change.refused:
        return ""
    asked = change.cause in (Origin.CONFIG, Origin.COMMAND, Origin.UNKNOWN)
    count = "" if len(change.refused) == len(change.tenants) else f"{len(change.refused):,} "
    rules = ", ".join(rule.value for rule in change.rules)
    return f"{count}{'refused' if asked else 'only reported'}: {rules}"


def _authors(found: Iterable[Authored]) -> Iterator[FormattedText]:
    by_commit: dict[str, Authored] = {}
    for one in found:
        by_commit.setdefault(one.commit, one)
    for one in list(by_commit.values())[:COMMITS]:
        yield _author(one)
    if len(by_commit) > COMMITS:
        yield formatted(f"and {counted(len(by_commit) - COMMITS, 'more commit')}")


def _author(one: Authored) -> FormattedText:
    """``b276dcf Ada Lindqvist, tiers.yaml:70: Double the size of pro``."""
    lead = formatted("{} {}, {}", one.commit[:ID], one.author, str(one.source))
    return joined((lead, formatted("{}", one.subject)), ": ") if one.subject else lead
