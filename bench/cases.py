"""One measurement in a process of its own: ``python -m bench.cases NAME FOLDER`` prints seconds.

Garbage is collected as the command line does it, for ours and for what it is compared with.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import msgspec
import yaml

from bench.scene import observed
from reconciler.cli.collector import tune_collector
from reconciler.desired.tenant import Overrides
from reconciler.fleet import read, utc_now
from reconciler.model.values import replace
from reconciler.neon.wire import ProjectsPage
from reconciler.plan import declared_fields
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.planner import make_plan
from reconciler.policies.judge import Judge
from reconciler.policies.subject import PolicyContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

CHANGED: Final = 100
"""One tenant in so many."""
MORE: Final = Overrides(quota={"data_transfer_bytes": 80 * 2**30})


def load_files(folder: Path) -> float:
    """Files to desired state, with every check."""
    return timed(lambda: read(folder))


def parse_with_pyyaml(folder: Path) -> float:
    """PyYAML's C loader over the same files: dictionaries, nothing checked."""
    files = sorted((folder / "tenants").rglob("*.yaml"))
    return timed(lambda: [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in files])


def read_bytes(folder: Path) -> float:
    """Every file's bytes, and nothing made of them."""
    files = sorted((folder / "tenants").rglob("*.yaml"))
    return timed(lambda: [file.read_bytes() for file in files])


def observe(folder: Path) -> float:
    """Live state from the simulator in process, through the whole client."""
    return observed(folder).seconds


def decode_pages(folder: Path) -> float:
    """The pages of the same lists with msgspec, into the types of the API."""
    pages = observed(folder).pages
    decoder = msgspec.json.Decoder(ProjectsPage)
    return timed(lambda: [decoder.decode(page) for page in pages])


def plan_in_sync(folder: Path) -> float:
    """make_plan and guard where nothing differs."""
    seen = observed(folder)
    return _planned(seen.desired, seen.live)


def plan_changed(folder: Path) -> float:
    """make_plan and guard where one tenant in a hundred is to get another quota."""
    seen = observed(folder)
    tenants = {
        name: replace(tenant, overrides=MORE) if number % CHANGED == 0 else tenant
        for number, (name, tenant) in enumerate(seen.desired.tenants.items())
    }
    return _planned(replace(seen.desired, tenants=tenants), seen.live)


def judge_changes(folder: Path) -> float:
    """The example policies of the documentation, where every tenant is to get another quota."""
    desired, live = _all_changed(folder)
    policies = [policy for policy in _examples() if policy.name != "monthly-budget"]
    plan = make_plan(desired, live, now=utc_now())
    around = PolicyContext(desired=desired, history=History(), now=utc_now())
    return timed(lambda: Judge(policies, around, spent=time.thread_time).of_plan(plan))


def plan_all_changed(folder: Path) -> float:
    """make_plan and guard for the same."""
    return _planned(*_all_changed(folder))


def _all_changed(folder: Path) -> tuple[DesiredState, LiveState]:
    seen = observed(folder)
    tenants = {name: replace(tenant, overrides=MORE) for name, tenant in seen.desired.tenants.items()}
    return replace(seen.desired, tenants=tenants), seen.live


def _examples() -> tuple[DeclaredPolicy, ...]:
    """As the repository has them, for the tiers of its own fleet."""
    root = Path(__file__).parents[1]
    with TemporaryDirectory() as folder:
        shutil.copy(root / "tiers.yaml", folder)
        shutil.copytree(root / "docs/policies", Path(folder, "policies"))
        return read(folder).policies


def compare_dictionaries(folder: Path) -> float:
    """As many plain dictionaries, wanted against live, all equal."""
    desired = read(folder)
    ours = [dict(declared_fields.fields(desired, tenant)) for tenant in desired.tenants.values()]
    theirs = [dict(fields) for fields in ours]
    return timed(lambda: [one for one, other in zip(ours, theirs, strict=True) if one != other])


def _planned(desired: DesiredState, live: LiveState) -> float:
    return timed(lambda: guard(make_plan(desired, live, now=utc_now()), desired, live))


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes, with what it made still in memory."""
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    del made
    return seconds


CASES: Final = {
    case.__name__: case
    for case in (
        load_files,
        parse_with_pyyaml,
        read_bytes,
        observe,
        decode_pages,
        plan_in_sync,
        plan_changed,
        judge_changes,
        plan_all_changed,
        compare_dictionaries,
    )
}

if __name__ == "__main__":
    tune_collector()
    sys.stdout.write(f"{CASES[sys.argv[1]](Path(sys.argv[2]))}\n")
