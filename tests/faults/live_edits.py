"""Commands, and what a person does in Neon's console while one is under way to what the command is about."""

from __future__ import annotations

import asyncio
import json
import shutil
from copy import copy as copy_of
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx

from reconciler.model.moments import rfc3339
from tests.harness.repository import commit_all, git
from tests.harness.shell import DAY_SECONDS, TIERS, PassingTime, Shell
from tests.harness.wire import PREFIX, WRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.shell import Ended
    from tests.harness.wire import Passing

KEY: Final = "person"
STRIDE_SECONDS: Final = 10_861.0
"""Between two commands."""
LATE_SECONDS: Final = 11.0
"""After an edit, until the run hears anything again: what it knows is then older than docs/safety.md allows."""
RUN: Final = "RUN"
"""Stands for the run of the journal ``made.jsonl``."""
PRO: Final = "tier: pro\nproject_id: PROJECT\ndev_branches: [preview]"
MORE: Final = {"active_time_seconds": 9_000_000, "data_transfer_bytes": 10**12, "logical_size_bytes": 10**12}
BOOST: Final = ("boost", "acme", "quota.active_time=800h", "--until", "400d", "--yes", "--journal", "made.jsonl")
APPLY: Final = ("apply", "--yes", "--base", "applied", "--allow", "deletes=9", "--allow", "disruptive=9")
PREVIEW: Final = ("restore", "acme", "--to", "2h", "--preview", "--yes")


PROTECTION: Final = "protects it"
OF_A_BRANCH: Final = (PROTECTION, "renames it", "makes it the default")
OF_A_TENANT: Final = (PROTECTION, "renames the project", "raises the quota")
OF_A_PROJECT: Final = (PROTECTION, "renames the project")
DISCARDED: Final = "deletes the preview"
RESTORED: Final = "restores the default branch"


@dataclass(frozen=True, slots=True)
class Job:
    """A command, and the branch or snapshot that it is about."""

    words: tuple[str, ...]
    target: str = "branches main"
    """The kind, and how the name begins."""
    before: tuple[tuple[str, ...], ...] = ()
    """Commands that were given before, after a first apply."""
    edited: str = ""
    """What the tenant's file says at the command, if a commit has changed it."""
    tier: str = ""
    """What the tier pro says beside the usual."""
    file: str = PRO
    days: int = 0
    """How many pass before what was given before, and before the command."""
    edits: tuple[str, ...] = OF_A_BRANCH
    """Those which say that the person wants to keep it, whatever was asked for."""
    after_the_plan: tuple[str, ...] = ()
    """Those after which it is no longer what the plan has shown."""


WITH_SNAPSHOT: Final = f"{PRO}\nsnapshots: [v1]"
NO_BRANCH: Final = PRO.replace("[preview]", "[]")
SAFE: Final = "snapshots: {before: [delete, downgrade, restore]}"
HOLD: Final = ("hold", "acme", "--until", "400d", "--reason", "a dispute", "--yes")
SUSPEND: Final = ("suspend", "acme", "--reason", "payment is overdue", "--yes")
JOBS: Final = {
    "restore": Job(
        ("restore", "acme", "--to", "2h", "--yes"), tier=SAFE, edits=OF_A_TENANT, after_the_plan=(RESTORED,)
    ),
    "restore of a snapshot": Job(
        ("restore", "acme", "--snapshot", "v1", "--yes"),
        file=WITH_SNAPSHOT,
        edits=OF_A_TENANT,
        after_the_plan=(RESTORED,),
    ),
    "finalize": Job(
        ("restore", "acme", "--finalize", "--yes"),
        before=(PREVIEW,),
        edits=OF_A_TENANT,
        after_the_plan=(RESTORED, DISCARDED),
    ),
    "finalize, of a snapshot": Job(
        ("restore", "acme", "--finalize", "--yes"),
        before=(("restore", "acme", "--snapshot", "v1", "--preview", "--yes"),),
        file=WITH_SNAPSHOT,
        edits=OF_A_TENANT,
        after_the_plan=(RESTORED, DISCARDED),
    ),
    "discard": Job(
        ("restore", "acme", "--discard", "--yes"),
        "branches preview of",
        before=(("restore", "acme", "--snapshot", "v1", "--preview", "--yes"),),
        file=WITH_SNAPSHOT,
        edits=(PROTECTION, "makes it the default"),
    ),
    "rotate": Job(
        ("rotate", "acme", "--role", "neondb_owner", "--connections-to", "strings", "--yes"), edits=OF_A_TENANT
    ),
    "rollback": Job(("rollback", RUN, "--journals", "made.jsonl", "--yes"), before=(BOOST,), edits=OF_A_TENANT),
    "hold": Job(HOLD, edits=OF_A_TENANT),
    "the end of a hold": Job(("hold", "acme", "--end", "--yes"), before=(HOLD,), edits=OF_A_TENANT),
    "suspend": Job(SUSPEND, edits=OF_A_TENANT),
    "resume": Job(("resume", "acme", "--yes"), before=(SUSPEND,), edits=OF_A_TENANT),
    "boost": Job(BOOST, edits=OF_A_TENANT),
    "branch reset": Job(("branch", "reset", "acme", "preview", "--yes"), "branches preview"),
    "a branch left out": Job(APPLY, "branches preview", edited=NO_BRANCH),
    "a deletion": Job(
        APPLY,
        edited="tier: pro\nproject_id: PROJECT\nstate: absent",
        tier=SAFE,
        edits=OF_A_PROJECT,
        after_the_plan=(RESTORED, "raises the quota"),
    ),
    "a downgrade": Job(
        APPLY,
        "branches preview",
        edited=NO_BRANCH.replace("tier: pro", "tier: free") + "\naccept: {history_loss: true}",
        tier=SAFE,
    ),
    "rotation of snapshots": Job(
        APPLY,
        "snapshots auto",
        before=(APPLY,),
        tier="snapshots: {rotate: {name: 'auto-{date}', every: 1d, keep: 1}}",
        days=5,
        edits=("renames the snapshot",),
    ),
    "clean-up of old branches": Job(
        APPLY,
        "branches main (old",
        before=(("restore", "acme", "--to", "2h", "--yes"),),
        tier="cleanup: {old_branches: 1d}",
        days=5,
    ),
    "clean-up of idle branches": Job(
        APPLY,
        "branches preview",
        file=PRO.replace("[preview]", "[{name: preview, disposable: true}]"),
        tier="cleanup: {dev_branches: {idle: 10d}}",
        days=30,
    ),
}

Asked: TypeAlias = "tuple[str, str, Any]"


@dataclass(frozen=True, slots=True)
class Write:
    """A call of a run that was carried out."""

    method: str
    path: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body or ''}"


@dataclass(frozen=True, slots=True)
class Aim:
    """The paths of a project and of what a command is about in it."""

    project: str
    target: str
    default: str
    """The default branch, when the command begins."""
    preview: str
    """The branch that is a preview; the default branch where none is."""
    before: str
    """A moment between what was given before and the command."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A call of the console."""

    call: Callable[[Aim], Asked]
    forbids: Callable[[Write, Aim], bool]
    """Whether a write takes what the person wants to keep."""


def _ends(write: Write, aim: Aim) -> bool:
    """A deletion, a reset or a restore of the target, or with its project."""
    if write.method == "DELETE" and write.path in {aim.project, aim.target}:
        return True
    if write.path.endswith("/finalize_restore"):  # it names the preview, and not what that replaces
        return True
    ends = write.method == "DELETE" or write.path.endswith("/restore")
    return ends and aim.target.rpartition("/")[2] in {*write.path.split("/"), *_texts(write.body)}


def _deletes(write: Write, aim: Aim) -> bool:
    """The deletion of the project."""
    return write.method == "DELETE" and write.path == aim.project


def _lowers(write: Write, aim: Aim) -> bool:
    """A lower quota."""
    if write.path != aim.project or write.method == "DELETE":
        return False
    quota = write.body.get("project", {}).get("settings", {}).get("quota", {})
    return any(0 < quota[name] < MORE[name] for name in MORE if name in quota)


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    for inside in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from _texts(inside)


def _branch(forbids: Callable[[Write, Aim], bool], **fields: Any) -> Edit:
    return Edit(lambda aim: ("PATCH", aim.target, {"branch": fields}), forbids)


def _project(forbids: Callable[[Write, Aim], bool], **fields: Any) -> Edit:
    return Edit(lambda aim: ("PATCH", aim.project, {"project": fields}), forbids)


def _own_past(aim: Aim) -> Asked:
    branch = aim.default.rpartition("/")[2]
    body = {"source_branch_id": branch, "source_timestamp": aim.before, "preserve_under_name": "kept by a person"}
    return "POST", f"{aim.default}/restore", body


def _replaces(write: Write, aim: Aim) -> bool:
    """Another state for the default branch, the deletion of the preview that shows one, or of the project."""
    return write.method == "DELETE" or write.path.endswith(("/restore", "/finalize_restore"))


EDITS: Final = {
    PROTECTION: _branch(_ends, protected=True),
    "renames it": _branch(_ends, name="mine"),
    "makes it the default": Edit(lambda aim: ("POST", f"{aim.target}/set_as_default", None), _ends),
    "renames the snapshot": Edit(lambda aim: ("PATCH", aim.target, {"snapshot": {"name": "mine"}}), _ends),
    "renames the project": _project(_deletes, name="mine"),
    "raises the quota": _project(_lowers, settings={"quota": MORE}),
    RESTORED: Edit(_own_past, _replaces),
    DISCARDED: Edit(lambda aim: ("DELETE", aim.preview, None), _replaces),
}
BUSY: Final = 423
WAIT_SECONDS: Final = 2.0
"""Until a person tries again what Neon is too busy for."""


@dataclass(slots=True)
class Person:
    """An act by which a person makes an edit once so many calls of the run are answered."""

    shell: Shell
    aim: Aim
    edit: Edit
    after: int
    calls: int = 0
    """How many the run has made."""
    first_write: int = 0
    """Which of them writes first; 0 if none does."""
    done: bool = False
    """Whether Neon has carried it out."""
    written: list[Write] = field(default_factory=list)
    """What the run has written since."""

    async def __call__(self, passing: Passing) -> httpx.Response:
        """What Neon says to the run."""
        self.calls = passing.number
        if passing.request.method in WRITING:
            self.first_write = self.first_write or passing.number
        answer = await passing.answer()
        looked = passing.number > self.after + 1  # nobody sees an edit between their last look and their write
        if self.done and looked and passing.request.method in WRITING and answer.is_success:
            content = passing.request.content
            body = json.loads(content) if content else None
            self.written.append(Write(passing.request.method, passing.path, body))
        if passing.number == self.after:
            self.done = (await self._edits(passing)).is_success
            await asyncio.sleep(LATE_SECONDS)
        return answer

    async def _edits(self, passing: Passing) -> httpx.Response:
        method, path, body = self.edit.call(self.aim)
        url = passing.request.url.copy_with(raw_path=(PREFIX + path).encode())
        asked = httpx.Request(method, url, json=body, headers={"Authorization": f"Bearer {KEY}"})
        told = await passing.via.handle_async_request(asked)
        if told.status_code != BUSY:
            return told
        await asyncio.sleep(WAIT_SECONDS)
        return await self._edits(passing)


def prepared(name: str, folder: Path) -> Shell:
    """The fleet right before the command."""
    job = JOBS[name]
    folder.mkdir()
    shell = Shell(folder)
    shell.clock = PassingTime(STRIDE_SECONDS)
    before, pro, after = TIERS.partition("  pro:\n")
    shell.write("tiers.yaml", before + pro + (f"    {job.tier}\n" if job.tier else "") + after)
    shell.write(".gitignore", "sim.db*\n*.jsonl\nstrings\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    shell.tenant("acme", job.file.replace("project_id: PROJECT\n", ""))
    commit_all(folder)
    _done(shell, ("apply", "--yes", "--base", "none"))
    project = shell.stored.project_ids()["myapp-acme"]
    shell.tenant("acme", job.file.replace("PROJECT", project))
    commit_all(folder)
    git(folder, "tag", "applied")
    _later(shell, job.days)
    for words in job.before:
        _done(shell, words)
    if job.before:
        commit_all(folder)
        git(folder, "tag", "--force", "applied")
    if job.edited:
        shell.tenant("acme", job.edited.replace("PROJECT", project))
        commit_all(folder)
    _later(shell, job.days)
    shell.stored.give_key(KEY)
    return shell


def copied(shell: Shell) -> Shell:
    """The same in a folder of its own."""
    folder = Path(mkdtemp(dir=shell.folder.parent)) / "fleet"
    shutil.copytree(shell.folder, folder)
    copy = object.__new__(Shell)
    copy.__dict__.update(shell.__dict__)
    copy.folder = folder
    copy.clock = copy_of(shell.clock)
    return copy


def given(name: str, shell: Shell) -> Ended:
    """What becomes of the command."""
    return shell.run(*(_run(shell) if word == RUN else word for word in JOBS[name].words), "--simulator", "sim.db")


def aim(name: str, shell: Shell) -> Aim:
    """What the command is about."""
    kind, _, begins = JOBS[name].target.partition(" ")
    project = shell.stored.project_ids()["myapp-acme"]
    branches = shell.stored.rows("branches", project_id=project)
    default = next(row["id"] for row in branches if row["body"].get("default"))
    preview = next((row["id"] for row in branches if row["body"]["name"].startswith("preview of")), default)
    things = shell.stored.rows(kind, project_id=project)
    target = next(row["id"] for row in things if row["body"]["name"].startswith(begins))
    return Aim(
        f"/projects/{project}",
        f"/projects/{project}/{kind}/{target}",
        f"/projects/{project}/branches/{default}",
        f"/projects/{project}/branches/{preview}",
        rfc3339(datetime.fromtimestamp(int(shell.stored.now + STRIDE_SECONDS / 2), UTC)),
    )


def taken(person: Person) -> list[str]:
    """What the run has taken of that which the person has just changed."""
    return [str(write) for write in person.written if person.edit.forbids(write, person.aim)]


def _done(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell.simulated(*words)
    assert ended.code == 0, (words, ended.err, ended.out)


def _later(shell: Shell, days: int) -> None:
    shell.clock = PassingTime(STRIDE_SECONDS, shell.stored.now + days * DAY_SECONDS)


def _run(shell: Shell) -> str:
    with (shell.folder / "made.jsonl").open(encoding="utf-8") as journal:
        return str(json.loads(journal.readline())["run"])
