"""The files of the fleet at earlier commits: at the base, at the fork, and at commits that were tried."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

from reconciler.desired.roster import protected
from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.baseline import Baseline, Unusable, seen_from
from reconciler.plan.change import Origin
from reconciler.plan.ownership import created_for
from reconciler.plan.tenant_history import TenantHistory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Accepted, Hold, Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.concerns.concern import Stated


T = TypeVar("T")


class History(Struct, frozen=True, dict=True):
    """The files of the fleet at earlier commits."""

    base: DesiredState | None = None
    """At the commit applied last; None if there is none."""
    fork: DesiredState | None = None
    """At the common ancestor of the base and of HEAD; None if that is the base itself."""
    owed: Mapping[str, Baseline | None] = {}
    """Tenants with another base, because the last commit is not fully applied for them; None if it is lost."""
    tried: Mapping[str, tuple[Baseline, ...]] = {}
    """The files at commits that were tried for a tenant and not fully applied, oldest first."""
    declared_since: Mapping[str, tuple[Baseline, ...]] = {}
    """The files at commits after the base that declare a tenant which the base does not, oldest first: a later
    reduction has a commit as its cause, whoever created the project."""
    guarding: Mapping[str, tuple[Baseline, ...]] = {}
    """The files at commits that ask for nothing of a tenant. Their protection and hold of it count, and files that
    are older change nothing back."""
    since: Mapping[str, str | None] = {}
    """Tenants that wait, with the id of their own base; None if nothing was ever applied for them."""
    unusable: Mapping[str, Unusable] = {}
    """By id, the commits that are the base of some tenants and cannot be compared with."""
    creating: Mapping[str, str] = {}
    """Tenants whose new project is not finished, with the id of the run that was to create it."""
    rejected: Mapping[str, tuple[str, ...]] = {}
    """By tenant, the declared moments that Neon rejected in an earlier run."""
    uncommitted: frozenset[str] = field(default_factory=frozenset)
    """Tenants declared by a file, or an edit, that git does not contain: their history is unknown."""
    ignored: frozenset[str] = field(default_factory=frozenset)
    """Those of them whose files git ignores: no commit shows when they were new."""
    files: DesiredState | None = None
    """The current files, if documents declare some tenants instead."""
    documents: frozenset[str] = field(default_factory=frozenset)
    """Tenants that a document declares."""
    committed: frozenset[str] = field(default_factory=frozenset)
    """Those of them that the current commit declares."""
    lost: bool = False
    """Whether the earlier files cannot be read here, as in a shallow clone: then the files cause no reductions."""
    without_base: bool = False
    """Whether git holds the files, has no earlier ones, and nobody said that there is no base: then nothing is
    reduced by a policy alone. Outside git, and by ``--base none``, the files are all there is to know."""
    guessed: bool = False
    """Whether nobody named the base: it is the parent of the current files, and may never have been applied."""
    named: frozenset[str] = field(default_factory=frozenset)
    """Tenants that a person or a program named one by one."""

    removed: frozenset[str] = field(default_factory=frozenset)
    """Undeclared tenants that an earlier commit declared, as far as this was searched."""
    gone: frozenset[str] = field(default_factory=frozenset)
    """Tenants that are no longer declared, as far as this was searched."""
    names_in_files: Mapping[str, str] = {}
    """Tenant names in files that no run reads, such as ``acme.yaml.disabled``, each with its file."""

    def under(self, now: DesiredState) -> History:
        """The same under the current names of tenants and organizations, at the time of ``now``."""
        found = self._with_files(seen_from(now))
        if found is self:
            return self
        return replace(
            found,
            owed={
                name: before
                for name, before in now.by_current_name(found.owed).items()
                if name in found.owed or not self.declares_at_common_base(name)
            },
            tried=now.by_current_name(found.tried),
            declared_since=now.by_current_name(found.declared_since),
            guarding=found._guarding_under(now),  # noqa: SLF001 - of the same class
            since=now.by_current_name(self.since),
            creating=now.by_current_name(self.creating),
            rejected=now.by_current_name(self.rejected),
        )

    def _guarding_under(self, now: DesiredState) -> dict[str, tuple[Baseline, ...]]:
        """Return what guards each tenant: also what was under an earlier name, where both names have something;
        and still under that name, which files may declare beside the later one.
        """
        guarding = now.by_current_name(self.guarding)
        owed = {name: () if before is None else (before,) for name, before in self.owed.items()}
        for several in (owed, self.tried, self.declared_since):
            for name, baselines in several.items():
                current = now.current_name(name)
                both = current in several or self.declares_at_common_base(current)
                for guarded in () if current == name else (name, current) if both else (name,):
                    guarding[guarded] = (*guarding.get(guarded, ()), *baselines)
        return guarding

    def declares_at_common_base(self, tenant: str) -> bool:
        """Return whether the base of all declares a tenant that had this name already."""
        known = None if self.base is None else self.base.tenants.get(tenant)
        return known is not None and known.name == tenant

    def at(self, moment: datetime | None) -> History:
        """Return the same with the earlier files at a time. The current ones need none if nothing in them ends;
        of what has ended in earlier ones, the end asks for less than they seem to grant.
        """
        return self._with_files(lambda files: files.at(moment))

    def _with_files(self, change: Callable[[DesiredState], DesiredState]) -> History:
        """Return the same with all files changed, each of them once; the same object if nothing changes."""
        known: dict[int, DesiredState] = {}
        moved = False

        def once(files: DesiredState) -> DesiredState:
            nonlocal moved
            if id(files) not in known:
                known[id(files)] = change(files)
                moved = moved or known[id(files)] is not files
            return known[id(files)]

        def each(several: Mapping[str, tuple[Baseline, ...]]) -> dict[str, tuple[Baseline, ...]]:
            return {name: tuple(one.changed(once) for one in baselines) for name, baselines in several.items()}

        base, fork, files = (one and once(one) for one in (self.base, self.fork, self.files))
        owed = {name: one and one.changed(once) for name, one in self.owed.items()}
        tried, since, guarding = map(each, (self.tried, self.declared_since, self.guarding))
        if not moved:
            return self
        return replace(
            self,
            base=base,
            fork=fork,
            files=files,
            owed=owed,
            tried=tried,
            declared_since=since,
            guarding=guarding,
        )

    def before_edit(self, tenant: str, files: DesiredState) -> History:
        """Return the history of a tenant whose file a command edits: the edit is the cause of its own change and
        of no other, so ``files``, which it is made in, are the tenant's base. Earlier files ask for nothing; what
        they protect or hold stays so.
        """
        return History(
            self.base or files,
            self.fork,
            owed={tenant: Baseline(files)},
            guarding={tenant: tuple(self._baselines(tenant))},
            guessed=True,
        )

    def unreadable(self, tenant: str) -> bool:
        """Return whether the history of the tenant's files cannot be read: then they cause no reductions.

        A single unusable file is enough: at the tenant's base, at the fork, at a commit that was tried, or behind
        a document.
        """
        if self.is_lost(tenant):
            return True
        if tenant in self.documents:
            return self.files is not None and tenant in self.files.held_back
        return tenant in self.uncommitted or any(tenant in files.held_back for files in self._known_states(tenant))

    def is_unknown(self, tenant: str) -> bool:
        """Return whether nobody knows what earlier files declared: then no policy reduces anything."""
        return self.without_base or self.unreadable(tenant)

    def _baselines(self, tenant: str) -> Iterator[Baseline]:
        """Yield the tenant's own base, then the commits since that count as its base, then those that guard it."""
        own = self.baseline(tenant)
        yield from (() if own is None else (own,))
        for others in (self.declared_since, self.tried, self.guarding):
            yield from others.get(tenant, ())

    def _known_states(self, tenant: str) -> Iterator[DesiredState]:
        """Yield the files at each of these commits, and at its fork."""
        return (files for baseline in self._baselines(tenant) for files in baseline.states)

    def baseline(self, tenant: str) -> Baseline | None:
        """Return the files at the tenant's own base; None if unknown."""
        return self.owed.get(tenant, self._baseline)

    def files_at_base(self, tenant: str) -> DesiredState | None:
        """Return the files at the commit that was last applied for the tenant; None if unknown."""
        baseline = self.baseline(tenant)
        return None if baseline is None else baseline.base

    @cached_property
    def _baseline(self) -> Baseline | None:
        return None if self.base is None else Baseline(self.base, self.fork)

    def past(self, tenant: str) -> TenantHistory | None:
        """Return what the earlier files declared for the tenant; None if unknown."""
        if tenant in self.documents and self.files is not None:
            states = declared_fields.fields_in(self.files, tenant)
            return (
                None
                if states is None
                else TenantHistory(states, states, tenant in self.files.tenants, document=True)
            )
        before = None if tenant in self.uncommitted else self.baseline(tenant)
        if before is None:
            return None
        own = before.past(tenant)
        later = (*self.declared_since.get(tenant, ()), *self.tried.get(tenant, ()))
        attempts = [attempt.past(tenant) for attempt in later]
        guards = (one.past(tenant) for one in self.guarding.get(tenant, ()))
        attempts += (one and replace(one, guards=True) for one in guards)
        return own and replace(own, attempts=tuple(attempt for attempt in attempts if attempt is not None))

    def at_base(self, tenant: str) -> Stated | None:
        """Return the tenant's fields at its base; empty if it was not declared, None if the base is lost."""
        past = self.past(tenant)
        if past is not None:
            return past.base
        return None if self.is_lost(tenant) else {}

    def unfinished(self, tenant: str, run: str) -> bool:
        """Return whether this run created the tenant's project, and was not done with it.

        What the earlier files declared was in an earlier project, and never in this one.
        """
        return bool(run) and self.creating.get(tenant) == run

    def same(self, desired: DesiredState, tenant: Tenant) -> bool:
        """Return whether the files declare the same as before: the quick answer for nearly every tenant."""
        before = self.baseline(tenant.name)
        if before is None or tenant.name in self.uncommitted or tenant.name in self.documents:
            return False
        if not before.base.declares_the_same(desired, tenant):
            return False
        fork = before.fork
        tried = (*self.tried.get(tenant.name, ()), *self.guarding.get(tenant.name, ()))
        if fork is not None and not fork.declares_the_same(desired, tenant):
            return False
        later = (files for one in tried for files in one.states)
        return not tried or all(files.declares_the_same(desired, tenant) for files in later)

    def may_differ(self, desired: DesiredState) -> Collection[str] | None:
        """Return tenants among which are all that are not ``same``: the quick answer for all others.

        None if that may be any tenant.
        """
        apart = {*self.owed, *self.tried, *self.uncommitted, *self.documents}
        for files in (self.base,) if self.fork is None else (self.base, self.fork):
            differing = None if files is None else files.differing(desired)
            if differing is None:
                return None
            apart.update(differing)
        return apart

    def earlier(self, tenant: str) -> list[DesiredState]:
        """The files at the tenant's own base and fork, or those that a document replaces, that declare it."""
        states = (self.files,) if tenant in self.documents else self._states(tenant)
        return [files for files in states if files is not None and tenant in files.tenants]

    def known(self, tenant: str) -> Tenant | None:
        """Return the tenant as the base, the fork or a commit since declared it."""
        return next(self.each_known(tenant), None)

    def declaring(self, tenant: str) -> Iterator[tuple[DesiredState, Tenant]]:
        """Yield the files at each of these commits that declare the tenant, not as absent, with the tenant."""
        for files in self._known_states(tenant):
            known = files.tenants.get(tenant)
            if known is not None and not known.absent:
                yield files, known

    def each_known(self, tenant: str) -> Iterator[Tenant]:
        """Yield the tenant as its base, or the fork, declared it; then as each commit since, or its fork, did."""
        for baseline in self._baselines(tenant):
            yield from [files.tenants[tenant] for files in baseline.states if tenant in files.tenants][:1]

    def owners(self, project: LiveProject, desired: DesiredState) -> Iterator[str]:
        """Yield the tenants whose project it may have been: by its annotation, by its name, each also under the
        later name that a commit gave it, and by a pin at the base or at a commit that counts for a tenant.
        """
        for name in (created_for(project, desired), desired.tenant_by_project_name(project.name)):
            yield from () if name is None else (name, *self._later_names.get(name, ()))
        pins = (pinned_by.get(project.id) for pinned_by in self._pins)
        yield from (name for name in pins if name is not None)

    @cached_property
    def _later_names(self) -> Mapping[str, set[str]]:
        """By earlier name, the names of the tenants that had it."""
        found: dict[str, set[str]] = {}
        for tenant in (tenant for files in self._all_states for tenant in files.special):
            for name in tenant.previously:
                found.setdefault(name, set()).add(tenant.name)
        return found

    @cached_property
    def _pins(self) -> list[Mapping[str, str]]:
        """By project, the tenants that pinned it: of each of these commits that has pins."""
        return [files.pinned_by for files in self._all_states if files.pinned_by]

    @cached_property
    def _all_states(self) -> list[DesiredState]:
        """The files at each commit that counts for a tenant, and at its fork, each once."""
        several = (self.declared_since, self.tried, self.guarding)
        of_tenants = chain(self.owed.values(), *(chain.from_iterable(one.values()) for one in several))
        states = (*(files for one in of_tenants if one is not None for files in one.states), self.base, self.fork)
        return list({id(files): files for files in states if files is not None}.values())

    def _states(self, tenant: str) -> tuple[DesiredState, ...]:
        baseline = self.baseline(tenant)
        return () if baseline is None else baseline.states

    def is_older_than_the_base(self, tenant: str) -> bool:
        """Return whether the base, or a commit that was tried, declares a tenant that its fork did not declare."""
        return any(
            _declared(one.base, tenant) and not _declared(one.fork, tenant)
            for one in self._baselines(tenant)
            if one.fork is not None
        )

    def is_lost(self, tenant: str) -> bool:
        """Return whether the tenant's own base, or that of all, cannot be read here."""
        return self.lost or (tenant in self.owed and self.owed[tenant] is None)

    def unusable_base(self, tenant: str) -> Unusable | None:
        """Return why the tenant's own base cannot be compared with; None if it can, or if it has none."""
        commit = self.since.get(tenant)
        return None if commit is None or self.baseline(tenant) is not None else self.unusable.get(commit)

    def protects(self, tenants: Iterable[str], project_id: str | None) -> bool:
        """Whether the files at the base or the fork protect one of these tenants, or one that pins the project.

        Ending a protection needs a commit of its own that is applied first.
        """
        return project_id in self._protected_pins or not self._protected.isdisjoint(tenants)

    @cached_property
    def _protected(self) -> frozenset[str]:
        return frozenset(name for present, tenant in self._protecting() for name in (present, tenant.name))

    @cached_property
    def _protected_pins(self) -> frozenset[str]:
        return frozenset(tenant.project_id for _, tenant in self._protecting() if tenant.project_id is not None)

    def _protecting(self) -> Iterator[tuple[str, Tenant]]:
        """Each tenant, by current name, that its own base or fork, or the files behind a document, protect."""
        for files in filter(None, (self.files, *self._all_states)):
            for name, tenant in protected(files.tenants):
                if files is self.files or self._is_its_own(files, name):
                    yield name, tenant

    def _is_its_own(self, files: DesiredState, tenant: str) -> bool:
        return self.baseline(tenant) is None or any(files is known for known in self._known_states(tenant))

    def ahead(self, now: DesiredState, read: Callable[[DesiredState], T]) -> tuple[T, ...]:
        """Return what ``read`` finds in the base, if the base is ahead with it: these files do not know it."""
        if self.base is None or self.fork is None:
            return ()
        theirs, common, own = read(self.base), read(self.fork), read(now)
        return (theirs,) if theirs != own and common == own else ()

    def held_ahead(self, tenant: Tenant, now: datetime | None) -> Hold | None:
        """Return a hold in force that the tenant has at its base, or at a commit that was tried, and that these
        files do not know: no commit of theirs has ended it.
        """
        forked = ((one.base, one.fork) for one in self._baselines(tenant.name) if one.fork is not None)
        for base, fork in forked:
            known, common = base.tenants.get(tenant.name), fork.tenants.get(tenant.name)
            hold = None if known is None else known.hold
            unknown_here = tenant.hold == (None if common is None else common.hold)
            if hold is not None and hold != tenant.hold and unknown_here and hold.in_force(now):
                return hold
        return None

    def moved(self, tenant: str, now: Stated) -> bool:
        """Return whether the files ask for a change of the tenant, or that is unknown."""
        past = self.past(tenant)
        if past is None or tenant in self.named:
            return True
        return any(past.origin(path, now) is Origin.CONFIG for path in past.differing(now))

    def is_found_otherwise(self, tenant: Tenant) -> bool:
        """Return whether the files changed the keys of a known tenant by which its project is found."""
        keys = (tenant.project_id, tenant.previously)
        before = (files.tenants[tenant.name] for files in self.earlier(tenant.name))
        changed = [(one.project_id, one.previously) != keys for one in before]
        return bool(changed) and all(changed)

    def knew(self, tenant: str) -> bool:
        """Return whether the earlier files declared the tenant, not as absent."""
        return tenant in self.committed or self._declared_at_base(tenant)

    def _declared_at_base(self, tenant: str) -> bool:
        baseline = self.baseline(tenant)
        return baseline is not None and _declared(baseline.base, tenant)

    def handled(self, tenant: str) -> bool:
        """Return whether a run has handled the tenant before: a named base declares it.

        For a tenant of a document, the current commit counts as such.
        """
        at_base = not self.guessed and self._declared_at_base(tenant)
        return at_base or (tenant in self.documents and tenant in self.committed)

    def new(self, tenant: str) -> bool:
        """Return whether the known earlier files do not mention the tenant, not even as absent."""
        if self.knew(tenant) or tenant in self.uncommitted:
            return False
        earlier = [self.files_at_base(tenant), self.files if tenant in self.documents else None]
        known = [files for files in earlier if files is not None]
        return bool(known) and not any(tenant in files.tenants or tenant in files.held_back for files in known)

    def new_among(self, tenants: Iterable[str]) -> frozenset[str]:
        """Return those of the tenants that are ``new``."""
        at_base: Collection[str] = () if self.base is None else self.base.tenants
        return frozenset(name for name in tenants if (name not in at_base or name in self.owed) and self.new(name))

    def may_be_renamed(self, tenant: str) -> bool:
        """Return whether no earlier file declares the tenant, whether or not git has its file yet."""
        return self.new(tenant) or (tenant in self.uncommitted and not self.knew(tenant))

    def accepted(self, tenant: str) -> tuple[Accepted, ...] | None:
        """Return what the tenant's file accepted at its base and at the fork; None if unknown.

        A document is written for what it asks for: nothing was accepted before it.
        """
        if tenant in self.documents:
            return ()
        before = None if tenant in self.uncommitted else self.baseline(tenant)
        if before is None:
            return None
        if any(tenant in files.held_back for files in before.states):
            return None
        return tuple(files.tenants[tenant].accept for files in before.states if tenant in files.tenants)

    def tiers(self, tenant: str) -> frozenset[str]:
        """The tiers that the tenant had, or may have got partly: at its base, and at commits that were tried."""
        tried = (attempt.base.tenants.get(tenant) for attempt in self.tried.get(tenant, ()))
        since = (known.tier for known in tried if known is not None and not known.absent)
        return frozenset(tier for tier in (self.tier(tenant), *since) if tier is not None)

    def tier(self, tenant: str) -> str | None:
        """Return the tier that the tenant had; None if none, or if it was absent."""
        files = self.files if tenant in self.documents else self.files_at_base(tenant)
        known = None if files is None else files.tenants.get(tenant)
        return None if known is None or known.absent else known.tier


def _declared(files: DesiredState, tenant: str) -> bool:
    known = files.tenants.get(tenant)
    return tenant in files.held_back if known is None else not known.absent


def known_past(tenant: str, live: LiveState, history: History, *, first_run: bool = False) -> str | None:
    """Return what shows that the tenant had a project, as text; None for a new tenant.

    With ``first_run``, earlier files do not count; nor do they if the base was guessed or lost and no project is
    live. A registry row with a project finds it, or is a conflict. A revision in the registry without a row
    belongs to a tombstone, or to a creation that failed.
    """
    unused = first_run or ((history.guessed or history.lost) and _nothing_is_live(live))
    if history.knew(tenant) and not unused:
        declared_now = tenant in history.committed
        return "the current commit declares the tenant" if declared_now else "the base declares the tenant"
    if tenant in live.applied:
        return f"revision {live.applied[tenant]} of the tenant was applied"
    if history.lost and not unused and tenant not in history.documents:
        return "the tenant may have had one (the earlier files cannot be read here)"
    return None


def _nothing_is_live(live: LiveState) -> bool:
    if live.listed:
        return not any(live.listed.values())
    search = live.annotation_search
    return search is not None and not search.listed and not live.projects and not live.unknown
