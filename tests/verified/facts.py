"""What Neon's documentation leaves open and an account can answer: a question, its answers, the switch of each.

Each names a switch of the simulator (docs/simulator.md), and finds out which setting an account behaves like.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.behaviour import DeletableRoots, ForeignProject, ListOrder, Patch, Per, SuspendTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.verified.account import Account, Project

FOUND: Final[dict[str, str]] = {}
"""The answers of this run, by the name of the switch."""
QUOTA: Final = {"active_time_seconds": 360_000, "logical_size_bytes": 536_870_912}
SIZES: Final = {"autoscaling_limit_min_cu": 0.5, "autoscaling_limit_max_cu": 1}
YES_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Fact:
    """One open question. Any answer but those permitted is one that the product does not expect."""

    switch: str
    question: str
    answers: Mapping[str, object]
    """Each permitted answer, with the value of the switch that behaves so."""
    find: Callable[[Account], str]


def table(found: Mapping[str, str]) -> Iterator[str]:
    """A line for each answered question."""
    answered = [fact for fact in FACTS if fact.switch in found]
    if not answered:
        return
    yield "what this account answers to open questions, and the switch of the simulator that does the same:"
    for fact in answered:
        answer = found[fact.switch]
        setting = fact.answers[answer]
        written = setting.value if isinstance(setting, Enum) else json.dumps(setting)
        yield f"  {f'{fact.switch}={written}':35}  {fact.question} {answer}"


def _yes(condition: object) -> str:
    return "yes" if condition else "no"


def _refused(status: int, *codes: int) -> str:
    """``no`` for a refusal with one of these statuses, ``yes`` for a success, else the status."""
    if status in codes:
        return "no"
    return "yes" if status < 300 else f"status {status}"


def quota_patch(account: Account) -> str:
    project = account.create(settings={"quota": QUOTA})
    quota = project.patch(settings={"quota": {"active_time_seconds": 720_000}})["settings"]["quota"]
    return "merges" if quota.get("logical_size_bytes") else "replaces"


def compute_patch(account: Account) -> str:
    project = account.create(default_endpoint_settings=SIZES)
    changed = project.patch(default_endpoint_settings={"autoscaling_limit_max_cu": 2})["default_endpoint_settings"]
    return "merges" if changed["autoscaling_limit_min_cu"] == 0.5 else "replaces"


def settings_patch(account: Account) -> str:
    project = account.create(settings={"quota": QUOTA})
    window = {"weekdays": [3], "start_time": "03:00", "end_time": "04:00"}
    quota = project.patch(settings={"maintenance_window": window})["settings"].get("quota", {})
    return "merges" if quota.get("logical_size_bytes") else "replaces"


def pg_settings_patch(account: Account) -> str:
    project = account.create(default_endpoint_settings={**SIZES, "pg_settings": {"work_mem": "8MB"}})
    changed = project.patch(default_endpoint_settings={**SIZES, "pg_settings": {"log_statement": "ddl"}})
    return "merges" if "work_mem" in changed["default_endpoint_settings"]["pg_settings"] else "replaces"


def first_compute_takes_defaults(account: Account) -> str:
    project = account.create(default_endpoint_settings=SIZES)
    return _yes(project.get("/endpoints")["endpoints"][0]["autoscaling_limit_min_cu"] == 0.5)


def creation_keeps_annotations(account: Account) -> str:
    return _yes(_annotated(account.create(branch={"annotations": {"kept": "yes"}})))


def transfer_keeps_annotations(account: Account) -> str:
    project = account.create()
    project.write("POST", "/branches", {"branch": {"name": "annotated"}, "annotation_value": {"kept": "yes"}})
    assert project.transfer("paid").is_success
    for _ in range(30):
        if project.ask("GET").is_success:
            break
        account.wait(2)
    return _yes(any(each["value"] for each in project.get("/branches")["annotations"].values()))


def _annotated(project: Project) -> bool:
    return project.default_branch()["id"] in project.get("/branches")["annotations"]


def transfers_refused_to(account: Account) -> str:
    return _refused(account.create("paid", history_retention_seconds=86_400).transfer("free").status_code, 406)


def snapshot_limit_code(account: Account) -> str:
    project = account.create()
    project.snapshot("first")
    response = project.ask("POST", f"/branches/{project.default_branch()['id']}/snapshot", name="second")
    return _yes(response.json().get("code")) if response.status_code == 422 else f"status {response.status_code}"


def snapshots_count_as_branches(account: Account) -> str:
    project = account.create()
    limit = 10  # of the sponsored organization (Neon's guide)
    for number in range(1, limit):
        project.branch(name=f"number {number}")
    path = f"/branches/{project.default_branch()['id']}/snapshot"
    status = project.ask("POST", path, name="v1").status_code
    return {200: "no", 422: "yes"}.get(status, f"status {status}")


def protected_branches_per(account: Account) -> str:
    full, other = account.create("paid"), account.create("paid")
    try:
        for number in range(5):
            if not _protect(full, f"number {number}"):
                return "fewer than five"
        return "project" if _protect(other, "one more") else "organization"
    finally:
        full.remove()
        other.remove()


def _protect(project: Project, name: str) -> bool:
    branch = project.branch(name=name)
    done = project.ask("PATCH", f"/branches/{branch['id']}", {"branch": {"protected": True}}).is_success
    project.settle()
    return done


def suspend_timeout(account: Account) -> str:
    project = account.create()
    endpoint = project.get("/endpoints")["endpoints"][0]
    path, body = f"/endpoints/{endpoint['id']}", {"endpoint": {"suspend_timeout_seconds": 600}}
    if not project.ask("PATCH", path, body).is_success:
        return "refused"
    project.settle()
    return "allowed" if project.get(path)["endpoint"]["suspend_timeout_seconds"] == 600 else "ignored"


def list_order(account: Account) -> str:
    first, last = sorted((account.create() for _ in range(2)), key=lambda project: project.id)
    listed(last)
    last.patch(settings={"quota": QUOTA})
    found = [each["id"] for each in account.listed("free") if each["id"] in (first.id, last.id)]
    return "id" if found == [first.id, last.id] else "last change"


def branch_list_always_has_cursor(account: Account) -> str:
    return _yes("next" in account.create().get("/branches").get("pagination", {}))


def get_shows_settings(account: Account) -> str:
    return _yes("settings" in account.create(settings={"quota": QUOTA}).read())


def get_shows_compute(account: Account) -> str:
    return _yes("default_endpoint_settings" in account.create(default_endpoint_settings=SIZES).read())


def foreign_project(account: Account) -> str:
    return str(account.create("free").ask("GET", key="paid").status_code)


def listed(project: Project) -> dict[str, Any]:
    """The project in its list, which may take a while to show it."""
    for _ in range(30):
        if (found := project.in_list()) is not None:
            return found
        project.account.wait(2)
    raise AssertionError(f"no list shows {project.id}")


def list_shows_quota(account: Account) -> str:
    settings = listed(account.create(settings={"quota": QUOTA})).get("settings")
    return _yes(isinstance(settings, dict) and settings.get("quota"))


def list_zero_compute(account: Account) -> str:
    sizes = listed(account.create(default_endpoint_settings=SIZES)).get("default_endpoint_settings")
    return _yes(isinstance(sizes, dict) and sizes["autoscaling_limit_max_cu"] == 0)


def list_shows_restore_window(account: Account) -> str:
    return _yes("history_retention_seconds" in listed(account.create()))


def list_lag_seconds(account: Account) -> str:
    return "at once" if account.create().in_list() else "later"


def create_shows_settings(account: Account) -> str:
    created = account.create(settings={"quota": QUOTA}).created["project"]
    return _yes("org_id" in created and "settings" in created)


def default_suspend_as_zero(account: Account) -> str:
    project = account.create()
    path = f"/endpoints/{project.get('/endpoints')['endpoints'][0]['id']}"
    project.write("PATCH", path, {"endpoint": {"suspend_timeout_seconds": 300}})
    seconds = project.get("/endpoints")["endpoints"][0]["suspend_timeout_seconds"]
    return {0: "yes", 300: "no"}.get(seconds, f"{seconds} seconds")


def transfer_keeps_quota(account: Account) -> str:
    project = account.create(settings={"quota": QUOTA})
    assert project.transfer("paid").is_success
    for _ in range(30):
        if project.ask("GET").is_success:
            break
        account.wait(2)
    quota = project.read().get("settings", {}).get("quota", {})
    return _yes(quota.get("logical_size_bytes") == QUOTA["logical_size_bytes"])


def transfer_lag_seconds(account: Account) -> str:
    project = account.create()
    assert project.transfer("paid").is_success
    status = project.ask("GET").status_code
    return {200: "at once", 403: "later", 404: "later"}.get(status, f"status {status}")


def transfer_checks_contents(account: Account) -> str:
    project = account.create("paid", history_retention_seconds=86_400)
    project.snapshot("one")
    project.snapshot("two")
    return {406: "yes", 200: "no"}.get(status := project.transfer("free").status_code, f"status {status}")


def transfer_checks_settings(account: Account) -> str:
    project = account.create("paid", history_retention_seconds=604_800)
    return {406: "yes", 200: "no"}.get(status := project.transfer("free").status_code, f"status {status}")


def delete_waits_for_operations(account: Account) -> str:
    project = account.create()
    assert project.ask(
        "POST", "/branches", {"branch": {"name": "busy"}, "endpoints": [{"type": "read_write"}]}
    ).is_success
    return {423: "yes", 200: "no"}.get(
        status := project.ask("DELETE", checked=False).status_code, f"status {status}"
    )


def one_way_settings_refused(account: Account) -> str:
    project = account.create("paid")
    project.patch(settings={"enable_logical_replication": True})
    off = {"project": {"settings": {"enable_logical_replication": False}}}
    if not project.ask("PATCH", "", off).is_success:
        return "yes"
    project.settle()
    return "no" if project.read()["settings"]["enable_logical_replication"] else "it is switched off"


def soft_deletion(account: Account) -> str:
    project = account.create()
    branch = project.branch(name="again")
    project.write("DELETE", f"/branches/{branch['id']}")
    status = project.ask("POST", "/branches", {"branch": {"name": "again"}}).status_code
    return {201: "no", 409: "yes"}.get(status, f"status {status}")


def root_branches_deletable(account: Account) -> str:
    project = account.create("paid")
    first = project.default_branch()
    default, other = (project.branch(name=name, init_source="schema-only") for name in ("default", "other"))
    project.write("POST", f"/branches/{default['id']}/set_as_default")
    deleted = [project.ask("DELETE", f"/branches/{branch['id']}").status_code for branch in (first, other)]
    answers = {(200, 200): "all", (422, 200): "all but the first", (422, 422): "none"}
    return answers.get((deleted[0], deleted[1]), f"status {deleted}")


def restore_keeps_annotations(account: Account) -> str:
    project = account.create("paid", branch={"annotations": {"kept": "yes"}})
    before, snapshot = project.default_branch(), project.snapshot("before")
    body = {"target_branch_id": before["id"], "finalize_restore": True}
    project.write("POST", f"/snapshots/{snapshot['id']}/restore", body)
    return _yes(project.get("/branches")["annotations"].get(project.default_branch()["id"]))


def own_past_detaches(account: Account) -> str:
    project = account.create("paid")
    account.wait(90)
    branch = project.default_branch()
    path, moment = f"/branches/{branch['id']}/restore", branch["created_at"]
    stated = {"source_branch_id": branch["id"], "source_timestamp": moment, "preserve_under_name": "kept"}
    project.write("POST", path, stated)
    return _yes("parent_id" not in project.get(f"/branches/{branch['id']}")["branch"])


def deletion_count_lag_seconds(account: Account) -> str:
    project = account.create()
    snapshot = project.snapshot("first")
    project.write("DELETE", f"/snapshots/{snapshot['id']}")
    path = f"/branches/{project.default_branch()['id']}/snapshot"
    status = project.ask("POST", path, name="second").status_code
    return {200: "at once", 422: "later"}.get(status, f"status {status}")


def backup_schedules(account: Account) -> str:
    project = account.create("paid")
    path = f"/branches/{project.default_branch()['id']}/backup_schedule"
    body = {"schedule": [{"frequency": "daily", "hour": 3, "retention_seconds": 86_400}]}
    return _refused(project.ask("PUT", path, body).status_code, 403)


MERGING: Final = {"merges": Patch.MERGE, "replaces": Patch.REPLACE}
FACTS: Final = (
    Fact(
        "quota_patch",
        "What does a PATCH do to members of the quota that it does not name? It",
        MERGING,
        quota_patch,
    ),
    Fact("settings_patch", "The same of the settings as a whole: it", MERGING, settings_patch),
    Fact("pg_settings_patch", "The same of the settings of Postgres: it", MERGING, pg_settings_patch),
    Fact("compute_patch", "The same of the compute defaults: it", MERGING, compute_patch),
    Fact("list_shows_quota", "Do lists show the quota?", YES_NO, list_shows_quota),
    Fact("list_zero_compute", "Do lists show zeros for the compute defaults?", YES_NO, list_zero_compute),
    Fact("list_shows_restore_window", "Do lists show the restore window?", YES_NO, list_shows_restore_window),
    Fact(
        "list_lag_seconds",
        "When do lists show a new project?",
        {"at once": 0.0, "later": 10.0},
        list_lag_seconds,
    ),
    Fact(
        "create_shows_settings",
        "Does a creation's answer show organization and settings?",
        YES_NO,
        create_shows_settings,
    ),
    Fact(
        "default_suspend_as_zero", "Is a suspend timeout of 300 s reported as 0?", YES_NO, default_suspend_as_zero
    ),
    Fact("transfer_keeps_quota", "Does a project keep its quota in a transfer?", YES_NO, transfer_keeps_quota),
    Fact(
        "transfer_lag_seconds",
        "When does the destination's key open a transferred project?",
        {"at once": 0.0, "later": 5.0},
        transfer_lag_seconds,
    ),
    Fact(
        "transfer_checks_contents",
        "Is a transfer refused because of too many snapshots?",
        YES_NO,
        transfer_checks_contents,
    ),
    Fact(
        "transfer_checks_settings",
        "Is a transfer refused because of too long a restore window?",
        YES_NO,
        transfer_checks_settings,
    ),
    Fact(
        "delete_waits_for_operations",
        "Is a project locked against its deletion while operations run?",
        YES_NO,
        delete_waits_for_operations,
    ),
    Fact(
        "one_way_settings_refused",
        "Is a request that ends logical replication refused?",
        YES_NO,
        one_way_settings_refused,
    ),
    Fact("soft_deletion", "Does a deleted branch keep its name?", YES_NO, soft_deletion),
    Fact(
        "root_branches_deletable",
        "Which root branches can be deleted?",
        {roots.value: roots for roots in DeletableRoots},
        root_branches_deletable,
    ),
    Fact(
        "restore_keeps_annotations",
        "Does a branch keep its annotations when it is replaced by a snapshot?",
        YES_NO,
        restore_keeps_annotations,
    ),
    Fact("own_past_detaches", "Is a root branch still one after it was set back?", YES_NO, own_past_detaches),
    Fact(
        "deletion_count_lag_seconds",
        "When does a deleted snapshot leave room for another?",
        {"at once": 0.0, "later": 30.0},
        deletion_count_lag_seconds,
    ),
    Fact("backup_schedules", "Can branches have schedules of snapshots?", YES_NO, backup_schedules),
    Fact(
        "first_compute_takes_defaults",
        "Does the compute of a new project have the requested size?",
        YES_NO,
        first_compute_takes_defaults,
    ),
    Fact(
        "creation_keeps_annotations",
        "Does a new project have the annotations of its creation?",
        YES_NO,
        creation_keeps_annotations,
    ),
    Fact(
        "transfer_keeps_annotations",
        "Do branches keep their annotations in a transfer?",
        YES_NO,
        transfer_keeps_annotations,
    ),
    Fact(
        "transfers_refused_to",
        "Does the sponsored organization take a project of the paid one?",
        {"yes": [], "no": ["free"]},
        transfers_refused_to,
    ),
    Fact(
        "snapshot_limit_code",
        "Does the refusal of one snapshot too many have a code?",
        YES_NO,
        snapshot_limit_code,
    ),
    Fact(
        "snapshots_count_as_branches",
        "Does a snapshot take a place in the limit of branches?",
        YES_NO,
        snapshots_count_as_branches,
    ),
    Fact(
        "protected_branches_per",
        "What are five protected branches the limit of? The",
        {each.value: each for each in Per},
        protected_branches_per,
    ),
    Fact(
        "suspend_timeout",
        "What becomes of a suspend timeout in the sponsored organization? It is",
        {each.value: each for each in SuspendTimeout},
        suspend_timeout,
    ),
    Fact(
        "list_order",
        "What orders a list of projects? The",
        {"id": ListOrder.ID, "last change": ListOrder.CHANGED},
        list_order,
    ),
    Fact(
        "branch_list_always_has_cursor",
        "Does the last page of branches have a cursor?",
        YES_NO,
        branch_list_always_has_cursor,
    ),
    Fact("get_shows_settings", "Does a single read show the settings?", YES_NO, get_shows_settings),
    Fact("get_shows_compute", "Does a single read show the compute defaults?", YES_NO, get_shows_compute),
    Fact(
        "foreign_project",
        "What status does another organization's project have?",
        {each.value: each for each in ForeignProject},
        foreign_project,
    ),
)
