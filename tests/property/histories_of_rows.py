"""Random histories of one project's rows, and what they have to be: a model of branches as lists of versions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from reconciler.simulator.clock import timestamp
from tests import rows
from tests.rows import STEP_SECONDS, Account, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

Rows: TypeAlias = frozenset[int]
LENGTH = 12
TABLE = "CREATE TABLE IF NOT EXISTS notes (id integer PRIMARY KEY)"


@dataclass(slots=True)
class Past:
    """What a branch has held from which moment on, in seconds since 1970. None is before its table was made."""

    versions: list[tuple[float, Rows | None]]

    @property
    def now(self) -> Rows | None:
        return self.versions[-1][1]

    def at(self, moment: float) -> Rows | None:
        return next(held for since, held in reversed(self.versions) if since <= moment)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the model. Those of a restored snapshot have no past to go back to."""

    id: str
    past: Past
    parent: str | None = None
    root: bool = True
    restored: bool = False


@dataclass(slots=True)
class History:
    """One project, and the model of its rows."""

    account: Account
    random: Random
    tenant: Tenant
    branches: dict[str, Branch]
    default: str
    snapshots: dict[str, tuple[str, Rows | None]] = field(default_factory=dict)
    """The branch and the rows of each."""
    organization: str = "paid"
    done: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    compared: int = 0
    values: int = 0

    @classmethod
    def begin(cls, account: Account, seed: int) -> History:
        tenant = account.sign_up("paid")
        past = Past([(account.simulator.clock.now(), None)])
        branch = Branch(tenant.branch_id, past)
        return cls(account, Random(seed), tenant, {branch.id: branch}, branch.id)  # noqa: S311

    @property
    def now(self) -> float:
        return self.account.simulator.clock.now()

    @property
    def project(self) -> str:
        return f"/projects/{self.tenant.id}"

    def run(self) -> History:
        self.write()
        for _ in range(LENGTH):
            self.random.choice(STEPS)(self)
        for branch in list(self.branches):
            self.compare(branch)
        self.account.call("DELETE", self.project)
        return self

    def write(self) -> None:
        branch = self.branches[self.random.choice(list(self.branches))]
        self.account.simulator.clock.advance(STEP_SECONDS)
        held = branch.past.now or frozenset()
        gone = frozenset(each for each in held if self.random.random() < 0.3)
        more = frozenset(range(self.values, self.values + self.random.randrange(1, 5)))
        self.values += len(more)
        with rows.connect(self.uri(branch.id)) as connection:
            connection.execute(TABLE)
            for value in more:
                connection.execute("INSERT INTO notes VALUES (%s)", (value,))
            connection.execute("DELETE FROM notes WHERE id = ANY(%s)", (list(gone),))
        branch.past.versions.append((self.now, held - gone | more))
        self.done.append("write")

    def drop(self) -> None:
        branch = self.branches[self.random.choice(list(self.branches))]
        self.account.simulator.clock.advance(STEP_SECONDS)
        rows.execute(self.uri(branch.id), "DROP TABLE IF EXISTS notes")
        branch.past.versions.append((self.now, None))
        self.done.append("drop")

    def snapshot(self) -> None:
        branch, moment = self.source(lambda each: each.root)
        query = "" if moment is None else f"?timestamp={timestamp(moment)}"
        answer = self.ask("snapshot", "POST", f"/branches/{branch.id}/snapshot{query}")
        if answer:
            self.snapshots[answer["snapshot"]["id"]] = (branch.id, self.held(branch, moment))

    def branch(self) -> None:
        source, moment = self.source(lambda _: True)
        empty = self.random.random() < 0.2
        stated = {"parent_id": source.id, **({} if moment is None else {"parent_timestamp": timestamp(moment)})}
        stated |= {"init_source": "schema-only"} if empty else {}
        answer = self.ask("schema" if empty else "branch", "POST", "/branches", {"branch": stated})
        if answer:
            held = self.held(source, moment)
            made = frozenset() if empty and held is not None else held
            branch_id = answer["branch"]["id"]
            parent = None if empty else source.id
            self.branches[branch_id] = Branch(branch_id, Past([(self.now, made)]), parent, root=empty)

    def reset(self) -> None:
        """A child takes its parent's rows of this moment, or of one in the past."""
        children = [each for each in self.branches.values() if each.parent in self.branches]
        if not children:
            return
        child = self.random.choice(children)
        source = self.branches[child.parent or ""]
        moment = self.moment(source)
        body = {"source_branch_id": source.id}
        body |= {} if moment is None else {"source_timestamp": timestamp(moment)}
        if self.ask("reset", "POST", f"/branches/{child.id}/restore", body):
            self.branches[child.id] = replace(
                child, past=Past([(self.now, self.held(source, moment))]), root=False, restored=False
            )

    def undo(self) -> None:
        """A branch goes back to its own past; what it held is kept beside it."""
        branch = self.branches[self.random.choice(list(self.branches))]
        moment = self.moment(branch)
        if moment is None:
            return
        kept = f"kept-{self.values}-{len(self.done)}"
        body = {"source_branch_id": branch.id, "source_timestamp": timestamp(moment), "preserve_under_name": kept}
        if self.ask("undo", "POST", f"/branches/{branch.id}/restore", body):
            listed = self.account.call("GET", f"{self.project}/branches?search={kept}")["branches"]
            self.keep(branch, listed[0]["id"])
            self.branches[branch.id] = Branch(
                branch.id, Past([(self.now, branch.past.at(moment))]), listed[0]["id"], root=False
            )

    def keep(self, branch: Branch, kept_id: str) -> None:
        """The kept state takes over the past and the children."""
        self.branches[kept_id] = replace(branch, id=kept_id)
        for each in list(self.branches.values()):
            if each.parent == branch.id:
                self.branches[each.id] = replace(each, parent=kept_id)

    def restore(self) -> None:
        """A snapshot takes the place of the branch that it was taken of."""
        found = [each for each, (branch, _) in self.snapshots.items() if branch in self.branches]
        if not found:
            return
        snapshot = self.random.choice(found)
        target, held = self.snapshots[snapshot]
        at_once = self.random.random() < 0.7
        answer = self.ask(
            "restore",
            "POST",
            f"/snapshots/{snapshot}/restore",
            {"finalize_restore": at_once, "target_branch_id": target},
        )
        if answer:
            made = answer["branch"]["id"]
            self.branches[made] = Branch(made, Past([(self.now, held)]), restored=True)
            if at_once and target == self.default:
                self.default = made
            elif not at_once and self.random.random() < 0.5:
                self.compare(made)
                if self.ask("finalize", "POST", f"/branches/{made}/finalize_restore") and target == self.default:
                    self.default = made

    def transfer(self) -> None:
        target = "paid" if self.organization == "free" else "free"
        ids = self.account.simulator.organization_ids
        body = {"destination_org_id": ids[target], "project_ids": [self.tenant.id]}
        path = f"/organizations/{ids[self.organization]}/projects/transfer"
        if self.account.request("POST", path, body).is_success:
            self.organization = target
            self.done.append("transfer")

    def delete(self) -> None:
        """The project goes, and comes back."""
        self.account.call("DELETE", self.project)
        self.account.call("POST", f"{self.project}/recover")
        self.done.append("recover")

    def delete_branch(self) -> None:
        parents = {each.parent for each in self.branches.values()}
        free = [each for each in self.branches if each not in parents and each != self.default]
        if free and self.ask("delete", "DELETE", f"/branches/{free[0]}") is not None:
            del self.branches[free[0]]

    def look(self) -> None:
        self.compare(self.random.choice(list(self.branches)))

    def compare(self, branch_id: str) -> None:
        """The rows of a branch are those of the model."""
        held = self.branches[branch_id].past.now
        uri = self.uri(branch_id)
        exists = rows.rows(uri, "SELECT count(*) FROM pg_tables WHERE tablename = 'notes'") == [1]
        found = frozenset(rows.rows(uri)) if exists else None
        self.compared += max(1, len(held or ()))
        if found != held:
            self.wrong.append(f"{branch_id} holds {found}, not {held}, after {self.done}")

    def uri(self, branch_id: str) -> str:
        """A connection string of a branch, which gets a compute if it has none."""
        pooled = self.random.random() < 0.5
        listed = self.account.call("GET", f"{self.project}/branches/{branch_id}/endpoints")["endpoints"]
        if not listed:
            body = {"endpoint": {"branch_id": branch_id, "type": "read_write"}}
            self.account.call("POST", f"{self.project}/endpoints", body)
        return self.account.uri(self.tenant.id, branch_id, pooled=pooled)

    def source(self, suits: Callable[[Branch], bool]) -> tuple[Branch, float | None]:
        """A branch, and a moment of its past; None is now."""
        found = [each for each in self.branches.values() if suits(each)]
        branch = self.random.choice(found or list(self.branches.values()))
        return branch, self.moment(branch)

    def moment(self, branch: Branch) -> float | None:
        """A moment between two steps in the past of a branch, or None."""
        first = branch.past.versions[0][0]
        steps = int((self.now - first) // STEP_SECONDS)
        if branch.restored or steps < 1 or self.random.random() < 0.4:
            return None
        return first + self.random.randrange(steps) * STEP_SECONDS + STEP_SECONDS / 2

    def held(self, branch: Branch, moment: float | None) -> Rows | None:
        return branch.past.now if moment is None else branch.past.at(moment)

    def ask(self, what: str, method: str, path: str, body: object = None) -> dict[str, dict[str, str]] | None:
        """The answer to a call that Neon's rules may refuse, such as a snapshot of a child; None then."""
        answered = self.account.request(method, f"{self.project}{path}", body)
        if answered.status_code in {400, 409, 422}:
            return None
        assert answered.is_success, answered.text
        self.done.append(what)
        found: dict[str, dict[str, str]] = answered.json()
        return found


STEPS: tuple[Callable[[History], None], ...] = (
    History.write,
    History.write,
    History.write,
    History.write,
    History.drop,
    History.snapshot,
    History.snapshot,
    History.branch,
    History.branch,
    History.reset,
    History.reset,
    History.restore,
    History.restore,
    History.undo,
    History.undo,
    History.transfer,
    History.delete,
    History.delete_branch,
    History.look,
)
