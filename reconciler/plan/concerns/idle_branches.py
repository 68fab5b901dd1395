"""Idle development branches: a tier says when they are deleted, and whether they make room for declared ones.

Only a branch that this fleet created goes: one that no file declares, or one that its entry calls disposable. A
disposable one goes only once the base declares it as the files do, and is created again only when they differ: so
no run undoes what the run before did.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import WhenCrowded
from reconciler.model.annotations import Purpose
from reconciler.model.units import format_seconds
from reconciler.plan.actions.branch import IDLE_SINCE, DeleteBranch
from reconciler.plan.concerns.concern import POLICY, existence
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.ownership import declared_name
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import DevBranch
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.change import Origin
    from reconciler.plan.comparison import Comparison
    from reconciler.plan.concerns.branch_matching import BranchMatching
    from reconciler.plan.concerns.concern import Fields, Stated

ROOT: Final = "dev_branches"
IDLE: Final = f"{ROOT}.cleanup.idle_seconds"
"""The path of the time after which idle branches are deleted."""
CROWDED: Final = f"{POLICY}cleanup.dev_branches.at_limit"
"""The path of what happens to a declared branch for which there is no room."""
DISPOSABLE: Final = ".disposable"
UNKNOWN: Final = (
    "what earlier files declare is not known; name the last applied commit with --base, in a clone that has the "
    "whole history"
)
IGNORED: Final = "git ignores the tenant's file, so what it declared before is not known"
LEAST: Final = timedelta(days=1)
"""A branch that was used more recently than this is not deleted to make room."""


def wanted(settings: Settings) -> Fields:
    """Return what the tier says about idle branches, by path."""
    policy = settings.cleanup.dev_branches
    seconds = {} if policy.idle_seconds is None else {IDLE: policy.idle_seconds}
    return {**seconds, CROWDED: policy.at_limit.value}


def cleans(settings: Settings) -> bool:
    """Return whether idle branches may be deleted: then the branches of the tenant are read."""
    return _has_policy(settings) and not settings.suspended


def _has_policy(settings: Settings) -> bool:
    """Return whether the tier deletes idle branches. Some of a suspended tenant may be deleted already."""
    policy = settings.cleanup.dev_branches
    crowded = policy.at_limit is WhenCrowded.OLDEST_IDLE and settings.dev_branches is not None
    return policy.idle_seconds is not None or crowded


def decided_by_computes(settings: Settings, project: LiveProject, fleet: str) -> bool:
    """Return whether the computes decide about a branch: they show when it was used."""
    ours = (declared_name(branch, fleet, Purpose.DEV_BRANCH) for branch in project.branches or ())
    return cleans(settings) and any(name is not None for name in ours)


class IdleBranches:
    """The development branches of one tenant that may be deleted because nobody uses them."""

    def __init__(self, comparison: Comparison, live: BranchMatching) -> None:
        self._comparison = comparison
        self._live = live
        self._policy = comparison.settings.cleanup.dev_branches
        self._branches = comparison.project.branches or ()
        self._taken: set[str] = set()

    def deletions(self) -> Iterator[DeleteBranch | Note]:
        """Yield the deletion of each branch that has been idle for too long."""
        seconds = self._policy.idle_seconds
        if seconds is None or not cleans(self._comparison.settings):
            return
        for branch in self._unknown:
            message = f"branch {branch.name!r} stays: Neon does not say when its compute was last active"
            yield Note.about(self._comparison.tenant, message)
        yield from self._not_judged(seconds)
        cause = self._comparison.by_policy(IDLE)
        for since, branch in self._by_last_use:
            if since + timedelta(seconds=seconds) <= self._comparison.now:
                yield self._delete(branch, cause, _idle_for(since, seconds))

    def _not_judged(self, seconds: int) -> Iterator[Note]:
        """Yield a note on each idle branch that stays only because nobody knows the earlier files."""
        comparison = self._comparison
        if not comparison.unknown_past or self._none_may_go:
            return
        why = IGNORED if comparison.generated else UNKNOWN
        declared = (self._live.of(one.name) for one in self._live.declared if one.disposable)
        for branch in self._alone({found.id for found in declared if found is not None}):
            since = None if _in_use(branch, comparison.project) else _used(branch, comparison.project)
            if since is not None and since + timedelta(seconds=seconds) <= comparison.now:
                message = f"branch {branch.name!r} is {_idle_for(since, seconds)}, and stays: {why}"
                yield Note.about(comparison.tenant, message)

    def room_for(self, wanted_one: DevBranch, parent: str, staying: Collection[str]) -> DeleteBranch | None:
        """Return the deletion of the branch that has been idle for longest, for a declared one at the limit.

        ``staying`` are the ids of the branches that may still be there otherwise.
        """
        if self._policy.at_limit is not WhenCrowded.OLDEST_IDLE or not cleans(self._comparison.settings):
            return None
        for since, branch in self._by_last_use:
            if branch.id in self._taken or branch.id not in staying or branch.name == parent:
                continue
            if since + LEAST > self._comparison.now:
                break
            reason = f"{IDLE_SINCE}{since:%Y-%m-%d}: makes room for {wanted_one.name!r}"
            asked = self._comparison.origin(f"{ROOT}.{wanted_one.name}", reduces=False)
            return self._delete(branch, self._comparison.by_policy(CROWDED, asked=asked), reason)
        return None

    def not_again(self, branch: DevBranch) -> Note | None:
        """Return a note if a disposable branch is not created, because nothing in its entry has changed."""
        if not branch.disposable or not _has_policy(self._comparison.settings):
            return None
        known = self._comparison.at_base
        if known is not None and not self._declared_alike(branch.name, known):
            return None
        because = "its declaration has not changed since the base" if known else "the earlier files are not known"
        message = (
            f"disposable branch {branch.name!r} does not exist and is not created: {because}; a commit that "
            "changes its entry, such as a higher reset, creates it again"
        )
        return Note.about(self._comparison.tenant, message)

    @cached_property
    def _candidates(self) -> Sequence[LiveBranch]:
        """The branches that may be deleted, whenever they were last used.

        None of a tenant whose earlier files nobody can read, or that a document declares: they may declare them.
        """
        if self._comparison.unknown_past or self._none_may_go:
            return ()
        return self._alone(
            {found.id for one in self._live.declared if (found := self._disposable(one)) is not None}
        )

    @property
    def _none_may_go(self) -> bool:
        """Whether the tenant keeps all: a document declares it, it is protected, or its computes were not read."""
        comparison = self._comparison
        document = comparison.past is not None and comparison.past.document
        kept = comparison.tenant.protect or comparison.tenant.suspended
        return document or kept or comparison.project.endpoints is None

    def _alone(self, disposable: Collection[str]) -> list[LiveBranch]:
        """Return the branches of runs that no file needs and that have no children; these ids may be declared."""
        comparison = self._comparison
        managed = comparison.settings.dev_branches is not None
        undeclared = {branch.id for branch in self._live.undeclared()} if managed else None
        parents = {branch.parent_id for branch in self._branches}
        return [
            branch
            for branch in self._branches
            if self._ours(branch)
            and (undeclared is None or branch.id in undeclared or branch.id in disposable)
            and not (comparison.needs_branch(branch.name) or comparison.kept_elsewhere(f"{ROOT}.{branch.name}"))
            and not (branch.default or branch.protected or branch.parent_id is None or branch.id in parents)
        ]

    def _ours(self, branch: LiveBranch) -> bool:
        """Whether this fleet created it under its current name: one that somebody renamed stays."""
        return declared_name(branch, self._comparison.fleet, Purpose.DEV_BRANCH) == branch.name and not is_kept(
            branch
        )

    def _disposable(self, branch: DevBranch) -> LiveBranch | None:
        known = self._comparison.at_base
        if not branch.disposable or not known or not self._declared_alike(branch.name, known):
            return None
        return self._live.of(branch.name)

    def _declared_alike(self, name: str, base: Stated) -> bool:
        """Whether the base declares the branch as the files do. What only the tier states is not of its entry."""
        own, now = f"{ROOT}.{name}", self._comparison.wanted_now
        entry = next((one for one in self._comparison.tenant.dev_branches or () if one.name == name), None)
        paths = {path for fields in (now, base) for path in fields if f"{path}.".startswith(f"{own}.")}
        stated = (path for path in paths if entry is None or not _of_the_tier(entry, path.removeprefix(own)))
        return own in base and all(now.get(path) == base.get(path) for path in stated)

    @cached_property
    def _unknown(self) -> list[LiveBranch]:
        """Branches with a compute of which Neon does not say when it was used."""
        return [branch for branch in self._candidates if _used(branch, self._comparison.project) is None]

    @cached_property
    def _by_last_use(self) -> list[tuple[datetime, LiveBranch]]:
        """The branches that are not in use, the one that was used longest ago first."""
        project = self._comparison.project
        used = ((_used(branch, project), branch) for branch in self._candidates if not _in_use(branch, project))
        found = [(since, branch) for since, branch in used if since is not None]
        return sorted(found, key=lambda one: (one[0], one[1].name, one[1].id))

    def _delete(self, branch: LiveBranch, origin: Origin, reason: str) -> DeleteBranch:
        self._taken.add(branch.id)
        return DeleteBranch(
            tenant=self._comparison.tenant.name,
            reason=reason,
            source=self._comparison.tenant.location,
            changes=(existence(f"{ROOT}.{branch.name}", origin, before=True),),
            branch=branch.name,
            branch_id=branch.id,
            purpose=Purpose.DEV_BRANCH,
        )


def _of_the_tier(entry: DevBranch, member: str) -> bool:
    """Return whether a member is one of the compute that the entry does not state."""
    compute, _, name = member.removeprefix(".").partition(".")
    return compute == "compute" and getattr(entry.compute, name, None) is None


def _idle_for(since: datetime, seconds: int) -> str:
    return f"{IDLE_SINCE}{since:%Y-%m-%d}, longer than {format_seconds(seconds)}"


def _in_use(branch: LiveBranch, project: LiveProject) -> bool:
    return any(compute.active for compute in project.endpoints or () if compute.branch_id == branch.id)


def _used(branch: LiveBranch, project: LiveProject) -> datetime | None:
    """Return when the branch was used last: created, reset, or connected to; None if that is not known."""
    computes = [compute.last_active_at for compute in project.endpoints or () if compute.branch_id == branch.id]
    known = [moment for moment in computes if moment is not None]
    if len(known) < len(computes):
        return None
    return max(moment for moment in (branch.created_at, branch.reset_at, *known) if moment is not None)
