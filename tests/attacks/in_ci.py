"""An attack on the workflow of pull requests: plan.yml runs on a hostile one, with keys and with a token."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from reconciler.simulator.serve import serving
from tests.attacks import formats, invariants, marked, rendered, stage
from tests.attacks.account import Overheard, around
from tests.harness import github_api
from tests.harness.hosted_fleet import PULL_REQUEST
from tests.harness.repository import git
from tests.harness.workflows import REPOSITORY, Actions, Event, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.attacks.attack import Arena
    from tests.attacks.case import Case
    from tests.attacks.stage import Stage
    from tests.harness.workflows import Run

TOKEN: Final = "ghs_hush1workflow0hush2x77c1"  # noqa: S105 - marked
KEYS: Final = ("FREE_ORG_API_KEY", "PAID_ORG_API_KEY")
VARIABLES: Final = (
    *("NEON_FREE_ORG_ID", "NEON_PAID_ORG_ID", "NEON_API_HOST", "RECONCILER_API_HOSTS", "RECONCILER_ENV"),
)
"""The variables of a repository that the workflows read."""
MARKER: Final = "<!-- reconciler: fleet -->"
LABELS: Final[tuple[list[str], ...]] = ([], ["fleet: destructive"])
OUTPUTS: Final = {"exit_code", "has_changes", "destructive"}


def attack(arena: Arena, case: Case, words: Mapping[str, str], root: Path, *, fork: bool) -> list[str]:
    """Runs the workflow on the pull request; what went wrong. One from a fork gets no key, and writes nothing."""
    shutil.copy(arena.account, root / "account.db")
    with (
        Overheard.open(root / "account.db") as neon,
        serving(neon) as host,
        github_api.serving(github_api.Repository(token=TOKEN)) as api,
    ):
        ids = {f"PROJECT:{tenant}": project_id for tenant, project_id in neon.project_ids().items()}
        stranger = f"127.0.0.1:{arena.stranger.port}"
        filling = {"STRANGER": stranger, "STRANGER-PORT": str(arena.stranger.port), "SIMULATOR": host, **ids}
        staged = stage.build(root, case, filling, words)
        arena.stranger.heard()
        variables = _variables(staged, around(neon, host))
        forked = case.environment.process == "forked"
        actions = Actions(root / "ci", root / "remote.git", api, dict(marked.KEYS), variables, forked=forked)
        actions.folder.mkdir()
        directory = "fleet" if case.environment.fleet == "folder" else "."
        event = _opened(staged, head="stranger/fleet" if fork else REPOSITORY)
        run = actions.run("plan", event, () if fork else KEYS, directory=directory)
        return [
            *_broken(staged, run, actions, event, fork=fork),
            *(f"wrote to Neon: {line}" for line in neon.writes()),
            *(f"a fork's plan asked Neon: {one.line}" for one in neon.requests if fork),
            *(f"the stranger's host heard {said[:60]!r}" for said in arena.stranger.heard()),
        ]


def _variables(staged: Stage, operator: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in operator.items() if name in VARIABLES}
    for name, value in staged.case.environment.variables.items():
        if name in VARIABLES:
            found[name] = "" if value is None else staged.filled_in(value)
    return found


def _opened(staged: Stage, head: str) -> Event:
    """GitHub merges the commit; of the stranger's clone it gets the objects, and no setting."""
    place = staged.root / "github"
    git(staged.root, "clone", "--quiet", "--no-checkout", str(staged.root / "remote.git"), str(place))
    environ = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(staged.repository / ".git/objects")}
    sha = (staged.repository / ".git/refs/heads/change").read_text().strip()
    merge = ("commit-tree", f"{sha}^{{tree}}", "-p", "origin/main", "-p", sha, "-m", "Merge")
    merged = git(place, *merge, environ=environ)
    ref = f"refs/pull/{PULL_REQUEST}/merge"
    git(place, "push", "--quiet", "origin", f"{merged}:{ref}", environ=environ)
    request = {"number": PULL_REQUEST, "head": {"sha": sha, "repo": {"full_name": head}}}
    return Event("pull_request", ref, merged, {"pull_request": request}, base_ref="main", head_ref="change")


def _broken(staged: Stage, run: Run, actions: Actions, event: Event, *, fork: bool) -> Iterator[str]:
    yield from invariants.nothing_ran(staged)
    yield from invariants.nothing_else_is_touched(staged)
    yield from formats.obeyed(run.log)
    yield from (f"the log holds {sign!r}" for sign in sorted(_steering(run.log)))
    yield from (f"the summary renders with {one}" for one in rendered.foreign(run.summary))
    api = actions.api
    yield from (f"GitHub's description: {problem}" for problem in api.problems)
    if fork:
        yield from (f"a fork's plan called GitHub: {call}" for call in api.calls)
    else:
        yield from _comment(api, event)
    if api.labels.get(PULL_REQUEST, []) not in LABELS or api.issues:
        yield f"labels and issues: {api.labels}, {api.issues}"
    if set(run.outputs["plan"]) - OUTPUTS:
        yield f"outputs: {sorted(run.outputs['plan'])}"
    comments = [one["body"] for one in api.comments.get(PULL_REQUEST, [])]
    said = {"the log": run.log, "the summary": run.summary, "the comment": "\n".join(comments)}
    yield from invariants.nothing_is_told({where: text.encode() for where, text in said.items()})
    yield from _artifacts(run)


def _steering(text: str) -> set[str]:
    return {sign for sign in text.replace("\n", "") if not sign.isprintable()}


def _comment(api: github_api.Repository, event: Event) -> Iterator[str]:
    """One comment, whose first two lines are ours and name the commit."""
    bodies = [one["body"] for one in api.comments.get(PULL_REQUEST, [])]
    if len(bodies) != 1:
        yield f"{len(bodies)} comments"
        return
    marker, about, _, text = bodies[0].split("\n", 3)
    commit = event.payload["pull_request"]["head"]["sha"]
    if (marker, about) != (MARKER, f"Fleet `fleet` at commit {commit}:"):
        yield f"the comment begins with {marker!r}, {about!r}"
    yield from (f"the comment renders with {one}" for one in rendered.foreign(text))


def _artifacts(run: Run) -> Iterator[str]:
    """What is kept of the run holds what it is to hold, and no secret."""
    for folder in run.artifacts.values():
        for path in folder.iterdir():
            data = path.read_bytes()
            yield from invariants.nothing_is_told({path.name: data})
            if path.suffix == ".html":
                yield from (f"{path.name}: {one}" for one in formats.in_html(data.decode()))
    for folder in run.files:
        subprocess.run(["chmod", "-R", "u+rwX", folder], check=True)
        for output in folder.glob("temp/output"):
            outputs_of(output.read_text())
