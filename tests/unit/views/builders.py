"""A plan that holds one of everything, and the parts it is made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.errors import ExitCode
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.values import JsonText, Value, replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch, ResetPassword
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.restore import Consequence, FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.late_turn import DONE
from reconciler.plan.outcome import ActionOutcome, Deletion, Harm, HarmedTenant, Report, Result, TenantOutcome
from reconciler.plan.plan import Budget, Conflict, Coverage, Note, Orphan, Plan, Refusal, Rule, TenantPlan

if TYPE_CHECKING:
    from reconciler.plan.action import Action

MADE = PlanOrigin(datetime(2026, 11, 23, 12, 0, tzinfo=UTC), commit="1f2e3d4c5b6a79880", base="0a1b2c3d4e5f60718")
SMALL = Compute(0.25, 1, 300)
GIB = 2**30
MIB = 2**20
HOUR = 3600
DAY = 86_400


def at(tenant: str, line: int = 2) -> Location:
    """A place in the tenant's own file."""
    return Location(f"tenants/{tenant}.yaml", line)


def project(name: str, *, organization: str = "free", storage_bytes: int | None = 31_457_280) -> LiveProject:
    return LiveProject(
        id=f"quiet-sun-{len(name):08}",
        name=name,
        organization=organization,
        region="aws-us-east-2",
        pg_version=17,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        quota=None,
        compute=None,
        restore_window_seconds=None,
        settings=None,
        storage_bytes=storage_bytes,
        last_active_at=datetime(2026, 10, 1, 8, 30, tzinfo=UTC),
    )


def change(
    path: str,
    before: Value,
    after: Value,
    risk: Risk = Risk.SAFE,
    *,
    lowering: bool = False,
    origin: Origin = Origin.CONFIG,
) -> FieldChange:
    return FieldChange(path, before, after, risk, lowering, origin)


def tenant(name: str, *actions: Action, live: LiveProject | None = None) -> TenantPlan:
    return TenantPlan(name, live, actions)


def create(name: str, *, tier: str = "pro", organization: str = "paid") -> CreateProject:
    values: dict[str, Value] = {
        "name": f"myapp-{name}",
        "region": "aws-us-east-2",
        "pg_version": 17,
        "database": "neondb",
        "role": "neondb_owner",
        "branch": "main",
        "quota.active_time_seconds": 750 * HOUR,
        "quota.compute_time_seconds": 0,
        "quota.written_data_bytes": 0,
        "quota.data_transfer_bytes": 50 * GIB,
        "quota.logical_size_bytes": 10 * GIB,
        "compute.min_cu": 0.25,
        "compute.max_cu": 8,
        "compute.suspend_timeout_seconds": 60,
        "restore_window_seconds": 7 * DAY,
    }
    changes = tuple(change(path, None, value) for path, value in values.items())
    reason = f"new tenant, tier {tier}"
    return CreateProject(tenant=name, reason=reason, source=at(name), changes=changes, organization=organization)


def transfer(name: str, origin: str, destination: str, reason: str, *, downgrade: bool) -> TransferProject:
    return TransferProject(
        tenant=name,
        reason=reason,
        source=at(name),
        origin=origin,
        destination=destination,
        downgrade=downgrade,
        changes=(change("organization", origin, destination, lowering=downgrade),),
    )


def patch(
    name: str,
    reason: str,
    *changes: FieldChange,
    source: Location | None = None,
    before_transfer: bool = False,
) -> PatchProject:
    return PatchProject(
        tenant=name,
        reason=reason,
        source=source or at(name),
        changes=changes,
        before_transfer=before_transfer,
    )


def patch_compute(
    name: str,
    reason: str,
    *changes: FieldChange,
    source: Location | None = None,
    branch: str = "main",
    before_transfer: bool = False,
) -> PatchEndpoint:
    return PatchEndpoint(
        tenant=name,
        reason=reason,
        source=source or at(name),
        changes=changes,
        branch=branch,
        before_transfer=before_transfer,
    )


def recover(name: str, project_id: str = "calm-sea-9") -> RecoverProject:
    back = change("state", "absent", "present")
    until = MADE.at + timedelta(days=6)
    return RecoverProject(
        tenant=name,
        reason=f"recover: {project_id}",
        source=at(name),
        project_id=project_id,
        recoverable_until=until,
        changes=(back,),
    )


def adopt(name: str, project_id: str = "calm-sea-9") -> AdoptProject:
    return AdoptProject(
        tenant=name,
        reason="found by name only",
        source=at(name),
        project_id=project_id,
        branch="neon-reconciler-adoption",
        parent="main",
        changes=(change("adoption", None, "neon-reconciler-adoption"),),
    )


def delete(name: str, project_id: str) -> DeleteProject:
    gone = change("state", "present", "absent", Risk.DESTRUCTIVE, lowering=True)
    return DeleteProject(
        tenant=name, reason="state: absent", source=at(name), project_id=project_id, changes=(gone,)
    )


def suspend_compute(name: str) -> SuspendCompute:
    return SuspendCompute(
        tenant=name,
        reason="suspended: payment is overdue",
        source=at(name),
        changes=(change("compute.state", "active", "suspended", Risk.DISRUPTIVE, lowering=True),),
        branch="main",
        endpoint_id="ep-dull-fog-00000001",
    )


def create_replica(name: str, replica: str = "reports") -> CreateReplica:
    return CreateReplica(
        tenant=name,
        reason="declared",
        source=at(name),
        changes=(change(f"compute.replicas.{replica}", "absent", "present"),),
        branch="main",
        replica=replica,
        compute=Compute(0.25, 2.0),
    )


def delete_replica(name: str, replica: str = "reports") -> DeleteReplica:
    gone = change(f"compute.replicas.{replica}", "present", "absent", Risk.DESTRUCTIVE, lowering=True)
    return DeleteReplica(
        tenant=name,
        reason="no longer declared",
        source=at(name),
        changes=(gone,),
        branch="main",
        replica=replica,
        endpoint_id="ep-dull-fog-00000002",
    )


def delete_duplicate(name: str, project_id: str = "dull-fog-00000002") -> DeleteDuplicate:
    return DeleteDuplicate(
        tenant=name,
        reason="a dead run left a second project besides quiet-sun-1",
        source=at(name),
        changes=(change("state", "present", "absent", Risk.DESTRUCTIVE),),
        project_id=project_id,
        name=f"myapp-{name}",
        organization="free",
        created_at=MADE.at,
        run="0a1b2c3d",
        first_id="quiet-sun-1",
        first_created_at=MADE.at - timedelta(seconds=2),
        death="no process holds the lock on its journal log/0a1b2c3d.jsonl",
        emptiness="never active, nothing stored",
    )


def present(path: str, *, before: bool = False, origin: Origin = Origin.CONFIG) -> FieldChange:
    """That something is to exist, or no more."""
    was, becomes = ("present", "absent") if before else ("absent", "present")
    risk = Risk.DESTRUCTIVE if before else Risk.SAFE
    return change(path, was, becomes, risk, lowering=before, origin=origin)


def create_branch(
    name: str,
    branch: str = "development",
    *,
    purpose: Purpose = Purpose.DEV_BRANCH,
    at_moment: datetime | None = None,
    expires_at: datetime | None = None,
    compute: Compute | None = SMALL,
    schema_only: bool = False,
    origin: Origin = Origin.CONFIG,
) -> CreateBranch:
    """A development branch of main, or a snapshot kept as a branch."""
    kept = purpose is Purpose.SNAPSHOT
    return CreateBranch(
        tenant=name,
        reason="declared, not live",
        source=at(name, 4),
        changes=(present(f"{'snapshots' if kept else 'dev_branches'}.{branch}", origin=origin),),
        branch=branch,
        parent="main",
        purpose=purpose,
        at=at_moment,
        expires_at=expires_at,
        schema_only=schema_only,
        with_compute=not kept,
        compute=None if kept else compute,
    )


def reset_password(name: str) -> ResetPassword:
    """A new password of the owner of the database."""
    return ResetPassword(
        tenant=name,
        reason="requested by rotate",
        source=Location(f"tenants/{name}.yaml", 1, 1),
        branch="main",
        role="neondb_owner",
        database="neondb",
    )


def patch_branch(name: str, branch: str = "staging") -> PatchBranch:
    """Its expiry comes nearer, and it gets its name back."""
    sooner = change(
        f"dev_branches.{branch}.expires_at",
        None,
        "2026-12-20T00:00:00Z",
        Risk.DESTRUCTIVE,
        lowering=True,
    )
    return PatchBranch(
        tenant=name,
        reason="differs from the tenant's file",
        source=at(name, 4),
        changes=(change(f"dev_branches.{branch}.name", f"{branch} by hand", branch), sooner),
        branch=f"{branch} by hand",
    )


def reset_branch(name: str, branch: str = "staging") -> ResetBranch:
    """The number in the file grew."""
    return ResetBranch(
        tenant=name,
        reason="reset: 3 in the tenant's file",
        source=at(name, 4),
        changes=(change(f"dev_branches.{branch}.reset", 2, 3, Risk.DESTRUCTIVE, lowering=True),),
        branch=branch,
        branch_id=f"br-{branch}",
        parent="main",
    )


def contents(name: str, text: str = "app") -> tuple[Action, ...]:
    """What fills a branch with roles and databases, and empties it."""
    said: dict[str, Any] = {"tenant": name, "reason": "declared", "source": at(name, 5), "branch": "main"}
    owner = change(f"databases.{text}.owner", "neondb_owner", text, lowering=True)
    return (
        CreateRole(**said, changes=(change(f"roles.{text}", "absent", "present"),), role=text),
        CreateDatabase(
            **said, changes=(change(f"databases.{text}", "absent", "present"),), database=text, owner=text
        ),
        PatchDatabase(**said, changes=(owner,), database=text, owner=text),
        DeleteDatabase(
            **said, changes=(change(f"databases.{text}", "present", "absent"),), database=text, owner=text
        ),
        DeleteRole(**said, changes=(change(f"roles.{text}", "present", "absent"),), role=text),
    )


def restores(name: str, text: str = "v1") -> tuple[Action, ...]:
    """Each way back to an earlier state, and a preview of one."""
    told: dict[str, Any] = {
        "tenant": name,
        "reason": f"restore to {text}",
        "source": at(name, 1),
        "branch": "main",
    }
    effects = (Consequence("moment", f"branch 'main' gets its state of {text}"),)
    return (
        RestoreBranch(
            **told,
            branch_id="br-main",
            from_branch=text,
            from_branch_id="br-old",
            at=datetime(2026, 11, 20, 12, tzinfo=UTC),
            keep_as=text,
            effects=effects,
        ),
        RestoreSnapshot(**told, branch_id="br-main", snapshot=text, snapshot_id="snap-1", effects=effects),
        FinalizeRestore(**told, preview=text, preview_id="br-preview", keep_as=text, effects=effects),
        PreviewSnapshot(**told, snapshot=text, snapshot_id="snap-1", target_id="br-main"),
    )


def delete_branch(
    name: str,
    branch: str = "feature-7",
    *,
    purpose: Purpose = Purpose.DEV_BRANCH,
    reason: str = "no longer declared",
) -> DeleteBranch:
    kept = purpose is Purpose.SNAPSHOT
    return DeleteBranch(
        tenant=name,
        reason=reason,
        source=at(name, 4),
        changes=(present(f"{'snapshots' if kept else 'dev_branches'}.{branch}", before=True),),
        branch=branch,
        branch_id=f"br-{name}-1",
        purpose=purpose,
    )


def create_snapshot(
    name: str, snapshot: str = "v2", *, at_moment: datetime | None = None, expires_at: datetime | None = None
) -> CreateSnapshot:
    return CreateSnapshot(
        tenant=name,
        reason="declared, not live",
        source=at(name, 7),
        changes=(present(f"snapshots.{snapshot}"),),
        snapshot=snapshot,
        branch="main",
        at=at_moment,
        expires_at=expires_at,
    )


def delete_snapshot(name: str, snapshot: str = "nightly-3", reason: str = "replaced by 'v2'") -> DeleteSnapshot:
    return DeleteSnapshot(
        tenant=name,
        reason=reason,
        source=at(name, 7),
        changes=(present(f"snapshots.{snapshot}", before=True),),
        snapshot=snapshot,
        snapshot_id=f"snap-{name}-3",
    )


def replaced_snapshot(name: str) -> TenantPlan:
    """The oldest one gives way to a new one."""
    seen = LiveSnapshot(f"snap-{name}-3", "nightly-3", "br-main", datetime(2026, 11, 1, 3, tzinfo=UTC))
    live = replace(project(f"myapp-{name}"), snapshots=(seen,))
    return tenant(name, delete_snapshot(name), create_snapshot(name), live=live)


def upgrade(name: str) -> TenantPlan:
    reason = "tier free -> pro"
    return tenant(
        name,
        transfer(name, "free", "paid", reason, downgrade=False),
        patch(
            name,
            reason,
            change("quota.active_time_seconds", 100 * HOUR, 750 * HOUR),
            change("quota.data_transfer_bytes", 5 * GIB, 50 * GIB),
            change("quota.logical_size_bytes", 512 * MIB, 10 * GIB),
            change("compute.max_cu", 2, 8),
            change("compute.suspend_timeout_seconds", 300, 60),
            change("restore_window_seconds", DAY, 7 * DAY),
        ),
        patch_compute(
            name,
            reason,
            change("compute.max_cu", 2, 8, Risk.DISRUPTIVE),
            change("compute.suspend_timeout_seconds", 300, 60, Risk.DISRUPTIVE),
        ),
        live=project(f"myapp-{name}"),
    )


def downgrade(name: str) -> TenantPlan:
    reason = "tier pro -> free"
    shorter = change("restore_window_seconds", 7 * DAY, DAY, Risk.DESTRUCTIVE, lowering=True)
    smaller = change("compute.max_cu", 8, 2, Risk.DISRUPTIVE, lowering=True)
    return tenant(
        name,
        patch(
            name,
            reason,
            change("compute.max_cu", 8, 2, lowering=True),
            shorter,
            before_transfer=True,
        ),
        patch_compute(name, reason, smaller, before_transfer=True),
        transfer(name, "paid", "free", reason, downgrade=True),
        patch(name, reason, change("quota.data_transfer_bytes", 50 * GIB, 5 * GIB, lowering=True)),
        live=project(f"myapp-{name}", organization="paid"),
    )


def price_change(name: str) -> TenantPlan:
    """What every tenant of a tier gets when the tier's line in the price list changes."""
    raised = change("quota.data_transfer_bytes", 5 * GIB, 10 * GIB)
    return tenant(name, patch(name, "tier free changed", raised, source=Location("tiers.yaml", 14)))


def allow_list_change(name: str) -> TenantPlan:
    before = JsonText.of({"ips": ["10.0.0.1", "10.0.0.2"], "protected_branches_only": True})
    after = JsonText.of({"ips": ["10.0.0.1", "192.168.7.0/24", "172.16.0.9"], "primary_branch_only": False})
    return tenant(
        name,
        patch(
            name,
            "settings changed",
            change("settings.allowed_ips", before, after),
            change("name", "renamed in the console", f"myapp-{name}", origin=Origin.DRIFT),
            change("settings.enable_logical_replication", None, JsonText.of(True), Risk.DISRUPTIVE),
        ),
        live=project("renamed in the console"),
    )


def drifted(name: str) -> PatchProject:
    return patch(
        name,
        "differs from the files",
        change("quota.data_transfer_bytes", 80 * GIB, 50 * GIB, lowering=True, origin=Origin.DRIFT),
    )


def refusals() -> tuple[Refusal, ...]:
    return (
        Refusal(
            rule=Rule.DRIFT_POLICY,
            tenants=("delta",),
            message="live grants more than the files, and no commit asked for less",
            remedy="change the file, or run apply --allow lowering",
            actions=(drifted("delta"),),
        ),
        Refusal(
            rule=Rule.PROTECTED,
            tenants=("keystone",),
            message="protect: true refuses every deletion",
            remedy="remove protect from tenants/keystone.yaml",
            actions=(delete("keystone", "still-moon-11223344"),),
        ),
    )


def plan(*tenants: TenantPlan, **parts: object) -> Plan:
    """An otherwise empty plan of twelve tenants."""
    defaults: dict[str, object] = {
        "fleet": "prod",
        "tenants": tenants,
        "refusals": (),
        "conflicts": (),
        "orphans": (),
        "notes": (),
        "coverage": Coverage(
            tenants=12,
            left_out=0,
            projects=15,
            organizations=("free", "paid"),
            computes_checked=6,
            computes_total=12,
        ),
        "budget": Budget(writes=0, transfers=0, reads=0, seconds=0),
    }
    return Plan(**(defaults | parts))  # type: ignore[arg-type]


def rich_plan() -> Plan:
    """One of everything."""
    conflict = Conflict(
        tenant="fable",
        message="two live projects are called myapp-fable: quiet-sun-1 (free) and calm-sea-2 (paid)",
        remedy="pin one of them with project_id in its file",
        source=at("fable", 1),
    )
    return plan(
        tenant("acme", create("acme")),
        upgrade("northwind"),
        downgrade("harbor"),
        price_change("amber"),
        price_change("birch"),
        price_change("cedar"),
        allow_list_change("gamma"),
        tenant("ember", delete("ember", "quiet-sun-00000011"), live=project("myapp-ember")),
        refusals=refusals(),
        conflicts=(conflict,),
        orphans=(
            Orphan(project("myapp-zed"), "zed", owned=True),
            Orphan(project("myapp-yesterday", organization="paid", storage_bytes=None), "yesterday", owned=None),
        ),
        notes=(
            Note("acme", "an older project can be recovered until 2026-11-30: recover: calm-sea-9", at("acme")),
        ),
        budget=Budget(writes=14, transfers=2, reads=9, seconds=3.2),
    )


def outcome(action: Action, result: Result, message: str = "", **parts: str) -> ActionOutcome:
    return ActionOutcome(action, result, message, parts.get("hint"), parts.get("request_id"))


def applied(planned: TenantPlan, project_id: str | None = None, until: datetime | None = None) -> TenantOutcome:
    outcomes = tuple(outcome(action, Result.APPLIED) for action in planned.actions)
    doomed = planned.project.id if planned.project else "calm-sea-9"
    deletion = None if until is None else Deletion(doomed, "7f3a91-3", until - timedelta(days=7), until)
    return TenantOutcome(planned.tenant, Result.APPLIED, outcomes, project_id, deletion)


def with_message(of: TenantOutcome, message: str) -> TenantOutcome:
    """The same, with something to be told beside its first action."""
    return replace(of, actions=(replace(of.actions[0], message=message), *of.actions[1:]))


def failed(planned: TenantPlan, *, after: int, message: str) -> TenantOutcome:
    """The tenant's first ``after`` actions applied, the next one failed, the rest not tried."""
    fault = {"hint": "run apply again", "request_id": f"req-{planned.tenant}"}
    outcomes = (
        *(outcome(action, Result.APPLIED) for action in planned.actions[:after]),
        outcome(planned.actions[after], Result.FAILED, message, **fault),
        *(outcome(action, Result.SKIPPED, "an earlier one failed") for action in planned.actions[after + 1 :]),
    )
    return TenantOutcome(planned.tenant, Result.FAILED, outcomes, None)


def skipped(planned: TenantPlan, message: str) -> TenantOutcome:
    outcomes = tuple(outcome(action, Result.SKIPPED, message) for action in planned.actions)
    return TenantOutcome(planned.tenant, Result.SKIPPED, outcomes, None)


def unchanged(planned: TenantPlan) -> TenantOutcome:
    outcomes = tuple(outcome(action, Result.UNCHANGED, DONE) for action in planned.actions)
    return TenantOutcome(planned.tenant, Result.UNCHANGED, outcomes, None)


def report(*outcomes: TenantOutcome, stopped: str | None = None, stopped_by: ExitCode | None = None) -> Report:
    """A run of twelve seconds and 31 calls."""
    return Report(
        run="7f3a91",
        started_at=datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC),
        finished_at=datetime(2026, 11, 23, 12, 0, 12, tzinfo=UTC),
        outcomes=outcomes,
        calls=31,
        stopped=stopped,
        stopped_by=stopped_by,
    )


def rich_report() -> Report:
    """One of everything."""
    busy = "Neon answered 423: the project has running operations"
    return report(
        applied(tenant("acme", create("acme")), project_id="calm-sea-00000001"),
        applied(price_change("birch")),
        applied(
            tenant("ember", delete("ember", "quiet-sun-00000011")),
            until=datetime(2026, 11, 30, 12, 0, tzinfo=UTC),
        ),
        failed(upgrade("northwind"), after=1, message=busy),
        failed(upgrade("southwind"), after=1, message=busy),
        unchanged(price_change("cedar")),
        skipped(price_change("late"), "the run stopped before its turn"),
        stopped="12 of the last 20 tenants failed",
        stopped_by=ExitCode.PARTLY_APPLIED,
    )


def harmful_report() -> Report:
    """A run that stopped after a wave, with a warning, a dump and a project that was gone."""
    rich, until = rich_report(), datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    deleted = applied(tenant("fir", delete("fir", "mild-sun-00000012")), until=until)
    assert deleted.deletion is not None
    return replace(
        rich,
        outcomes=(
            *rich.outcomes,
            replace(deleted, deletion=replace(deleted.deletion, dump="dumps/fir")),
            applied(tenant("gorse", delete("gorse", "gone-sun-00000013"))),
            with_message(applied(price_change("hazel")), "the registry at port 5432 does not answer"),
        ),
        stopped="wave 2 harms 1 of 9 tenants; `reconciler rollback 7f3a91 --wave 2` undoes it",
        harm=Harm("7f3a91", 2, 9, 20, 1, (HarmedTenant("birch", ("writes fail",), certain=True),)),
    )
