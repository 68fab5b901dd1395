"""Whatever was restored before, a moment leads to the branch that holds the state of that moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.live.project import LiveSnapshot, SnapshotRestore
from reconciler.model.values import replace
from reconciler.plan.actions.restore import FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, PreviewSnapshot
from reconciler.plan.commanded import Subject
from reconciler.plan.ending_previews import FinalizePreview
from reconciler.plan.plan import Note, Refusal
from reconciler.plan.restoring import RestoreFromSnapshot, RestoreTo
from reconciler.plan.timeline import Timeline
from tests.harness.builders import NOON, a_branch, a_fleet, a_project, a_tenant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.plan.commanded import Command

STEP: Final = timedelta(minutes=10)
BEGINNING: Final = NOON - timedelta(days=100)
FLEET: Final = a_fleet(a_tenant("acme", "pro"))


@dataclass
class Account:
    """A project whose default branch is written to, and what each branch held at each moment."""

    now: datetime = BEGINNING
    branches: list[LiveBranch] = field(default_factory=list)
    logs: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    """What was written to each branch, by id."""
    snapshots: dict[str, tuple[LiveSnapshot, int]] = field(default_factory=dict)
    truth: list[tuple[datetime, int]] = field(default_factory=list)
    """What the tenant's default branch held, whichever branch that was."""
    written: int = 0

    def __post_init__(self) -> None:
        self.branches = [a_branch(created_at=BEGINNING)]
        self.logs = {self.default.id: []}
        self.write()

    @property
    def default(self) -> LiveBranch:
        return next(branch for branch in self.branches if branch.default)

    @property
    def subject(self) -> Subject:
        project = a_project(
            branches=tuple(self.branches),
            snapshots=tuple(snapshot for snapshot, _ in self.snapshots.values()),
            endpoints=(),
            created_at=BEGINNING,
            restore_window_seconds=None,
        )
        return Subject(FLEET, FLEET.tenants["acme"], project, self.now)

    def write(self) -> None:
        self.written += 1
        self._holds(self.written)

    def _holds(self, content: int) -> None:
        self.logs[self.default.id].append((self.now, content))
        self.truth.append((self.now, content))

    def content(self, branch: LiveBranch, at: datetime | None) -> int:
        return held(self.logs[branch.id], at or self.now)

    def take(self, name: str) -> None:
        made = LiveSnapshot(f"snap-{name}-{len(self.snapshots)}", name, self.default.id, self.now)
        self.snapshots[made.id] = (made, self.content(self.default, None))

    def carry_out(self, command: Command) -> bool:
        """Whether anything was done."""
        actions = [one for one in command.findings(self.subject) if not isinstance(one, Note | Refusal)]
        for action in actions:
            self.now += timedelta(seconds=5)
            match action:
                case CreateSnapshot():
                    self.take(action.snapshot)
                case RestoreBranch():
                    self._restore(action)
                case RestoreSnapshot():
                    old = f"{action.branch} {len(self.branches)} (old)"
                    self._replace(self._made(action.snapshot_id, action.branch_id, action.branch), old)
                case PreviewSnapshot():
                    self._made(action.snapshot_id, action.target_id, action.branch, finalized=False)
                case FinalizeRestore():
                    self._replace(action.preview_id, action.keep_as)
                case _:
                    raise AssertionError(action.kind)
        return bool(actions)

    def _restore(self, action: RestoreBranch) -> None:
        source = next(branch for branch in self.branches if branch.id == action.from_branch_id)
        content = self.content(source, action.at)
        default = self.default
        kept = replace(
            default,
            id=f"br-kept-{len(self.branches)}",
            name=action.keep_as,
            default=False,
            created_at=self.now,
            annotations={},
        )
        self.logs[kept.id] = list(self.logs[default.id])
        self._change(default, reset_at=self.now, restore=None)
        self.branches.append(kept)
        self.logs[default.id] = []
        self._holds(content)

    def _made(self, snapshot_id: str, target_id: str, name: str, *, finalized: bool = True) -> str:
        made = a_branch(
            id=f"br-made-{len(self.branches)}",
            name=name,
            default=False,
            annotations={},
            created_at=self.now,
            restore=SnapshotRestore(snapshot_id, target_id, finalized),
        )
        self.branches.append(made)
        self.logs[made.id] = [(self.now, self.snapshots[snapshot_id][1])]
        return made.id

    def _replace(self, made_id: str, old_name: str) -> None:
        default = self.default
        self._change(default, default=False, name=old_name)
        made = next(branch for branch in self.branches if branch.id == made_id)
        assert made.restore is not None
        self._change(made, default=True, name=default.name, restore=replace(made.restore, finalized=True))
        self.truth.append((self.now, self.content(self.default, None)))

    def _change(self, branch: LiveBranch, **members: object) -> None:
        changed = replace(branch, **members)  # type: ignore[arg-type]
        self.branches = [changed if one.id == branch.id else one for one in self.branches]


def held(log: Iterable[tuple[datetime, int]], at: datetime) -> int:
    """The last content of a log at that moment."""
    return [content for moment, content in log if moment <= at][-1]


STEPS: Final = st.lists(
    st.one_of(
        st.just(("write", 0)),
        st.tuples(st.just("snapshot"), st.integers(0, 2)),
        st.tuples(st.just("restore"), st.integers(1, 40)),
        st.tuples(st.just("from snapshot"), st.integers(0, 2)),
        st.tuples(st.just("preview"), st.integers(0, 2)),
        st.just(("finalize", 0)),
    ),
    max_size=12,
)


def stepped(account: Account, what: str, number: int) -> None:
    match what:
        case "write":
            account.write()
        case "snapshot":
            account.take(f"s{number}")
        case "restore":
            to = max(BEGINNING, account.now - number * STEP / 2)
            account.carry_out(RestoreTo(tenant="acme", asked_at=account.now, to=to, again=True))
        case "from snapshot" | "preview":
            preview = what == "preview"
            asked = RestoreFromSnapshot(
                tenant="acme", asked_at=account.now, snapshot=f"s{number}", preview=preview, again=True
            )
            account.carry_out(asked)
        case "finalize":
            account.carry_out(FinalizePreview("acme", account.now))


@given(STEPS, st.lists(st.integers(0, 10_000), min_size=3, max_size=3))
@example([("snapshot", 0), ("preview", 0), ("write", 0), ("from snapshot", 0)], [0, 0, 0])
@example([("snapshot", 2), ("preview", 2), ("restore", 1), ("from snapshot", 2)], [0, 0, 0])
def test_each_moment_leads_to_the_state_of_that_moment(
    steps: list[tuple[str, int]], thousandths: list[int]
) -> None:
    account = Account()
    for what, number in steps:
        account.now += STEP
        stepped(account, what, number)
    account.now += STEP
    project = account.subject.project
    timeline = Timeline.of(project, account.now)
    moments = [BEGINNING + (account.now - BEGINNING) * part / 10_000 for part in thousandths]
    moments += [stretch.last for stretch in timeline.stretches if stretch.last is not None]
    for moment in [one.replace(microsecond=0) for one in moments]:
        stretch = timeline.holding(moment)
        if stretch is not None:
            assert account.content(stretch.branch, stretch.at(moment)) == held(account.truth, moment)


@given(STEPS)
def test_every_restore_can_be_undone_by_the_moment_before_it(steps: list[tuple[str, int]]) -> None:
    account = Account()
    for what, number in steps:
        account.now += STEP
        stepped(account, what, number)
        if what in ("restore", "from snapshot", "finalize"):
            account.now += STEP
            account.write()
    account.now += STEP
    timeline = Timeline.of(account.subject.project, account.now)
    if timeline.last_restore is None or timeline.last_restore.last is None:
        return
    last = timeline.last_restore.last
    before = held(account.truth, last)
    assert account.carry_out(RestoreTo(tenant="acme", asked_at=account.now, to=last, again=True))
    assert account.content(account.default, None) == before
