"""What Neon's documentation leaves open: each a switch, so that the product is tested with both answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator.store import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.store import Store


class Patch(Enum):
    """What a PATCH does to the members of an object that it does not mention."""

    MERGE = "merge"
    REPLACE = "replace"


class ForeignProject(Enum):
    """What a key is answered that asks for a project of another organization."""

    NOT_FOUND = "404"
    FORBIDDEN = "403"


class ListOrder(Enum):
    """The order of a list of projects, and so what its cursor means."""

    ID = "id"
    """The cursor is an id: a project that is changed keeps its place."""
    CHANGED = "changed"
    """The project that was changed last comes first, and the cursor counts projects: what changes, moves."""


class DeletableRoots(Enum):
    """Which root branches can be deleted, of those that are neither the default branch nor protected."""

    ALL = "all"
    ALL_BUT_THE_FIRST = "all but the first"
    """The first one of a project can, once a restore has put another one in its place."""
    NONE = "none"


class SuspendTimeout(Enum):
    """What becomes of a suspend timeout where the organization's shortest one is Neon's default of 300 s."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    IGNORED = "ignored"


class Integrations(Enum):
    """Which integrations of a project prevent its transfer."""

    ANY = "any"
    GITHUB_AND_VERCEL = "github and vercel"


class Per(Enum):
    """What a number of protected branches is counted in."""

    PROJECT = "project"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests that one account may make (Neon: 700 a minute, 40 a second on one route; key-concepts)."""

    per_minute: int = 700
    per_second_and_route: int = 40
    consumption_per_minute: int = 30
    """Of the consumption history, which is counted apart; newer pages of Neon say 50."""
    new_keys_per_second: int = 10
    """For POST /organizations/{org_id}/api_keys."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this Neon behaves where the real one's behaviour is not documented."""

    settings_patch: Patch = Patch.REPLACE
    """For ``settings`` as a whole; a replaced member falls back to Neon's default."""
    quota_patch: Patch = Patch.REPLACE
    compute_patch: Patch = Patch.REPLACE
    """For ``default_endpoint_settings``; a replaced member falls back to Neon's default."""
    pg_settings_patch: Patch = Patch.REPLACE
    """For ``pg_settings``, of a project's compute defaults and of a compute."""
    new_computes_take_pg_settings: bool = False
    """Whether a new compute shows the Postgres parameters of its project's defaults as its own."""
    first_compute_takes_defaults: bool = False
    """Whether the compute of a new project has the ``default_endpoint_settings`` of its creation.

    False is the default, because it is the less convenient answer: Neon speaks of the computes that are
    created later (manage/projects).
    """
    creation_keeps_annotations: bool = True
    """Whether the default branch of a new project has the annotations of its creation."""
    transfer_keeps_annotations: bool = True
    """Whether branches keep their annotations when their project moves to another organization."""
    transfer_atomic: bool = False
    """False: projects move one by one until the first that cannot."""
    transfers_refused_to: tuple[str, ...] = ()
    """Names of organizations that no project can be transferred to."""
    transfer_blocked_by: Integrations = Integrations.ANY
    """Neon's description names GitHub and Vercel, its newer types "active integrations (for example, ...)"."""
    transfer_checks_contents: bool = True
    """True: a project with more branches or snapshots than the destination allows is refused.

    Not documented; the strict answer is the default, because a client that satisfies it satisfies both.
    """
    transfer_checks_settings: bool = True
    """True: a project whose computes or restore window exceed the destination's limits is refused.

    Not documented; the strict answer is the default, for the same reason.
    """
    transfer_lag_seconds: float = 5.0
    """How long after its move the key of the destination does not see a project; the personal key always does."""
    root_branches: int | None = 3
    """How many branches without a parent a project may have; which number the Agent plan has is not documented."""
    root_branches_deletable: DeletableRoots = DeletableRoots.ALL_BUT_THE_FIRST
    """Which root branches can be deleted beside the default one, which cannot.

    Neon's pages say it of the kinds that a client meets: schema-only branches and the backups of restores can be
    deleted, the branch that a project begins with cannot (manage/branches); once a restore has replaced it, it can
    (ai/ai-database-versioning). The description of the call speaks of "a project's root or default branch".
    """
    protected_branches: int | None = 5
    """How many protected branches there may be."""
    protected_branches_per: Per = Per.ORGANIZATION
    """What ``protected_branches`` are counted in: Neon's pages say five, and not of what."""
    snapshots_count_as_branches: bool = True
    """Whether a manual snapshot takes a place in the limit of branches.

    Neon's guide counts snapshots as branches; the Snapshots API came later. Neon's plans list two limits, and do
    not say that they are apart. True is the less convenient answer.
    """
    snapshot_limit_code: bool = False
    """Whether the refusal of one snapshot too many has an error code; none is documented."""
    suspend_timeout: SuspendTimeout = SuspendTimeout.ALLOWED
    """What becomes of a stated ``suspend_timeout_seconds`` where an organization allows Neon's default at least.

    On the Free plan it is refused (412), or was ignored; Neon's guide sends 300 to its sponsored organization.
    """
    soft_deletion: bool = False
    """True: a deleted branch keeps its name and its place in the limit for seven days, and can be recovered
    (Neon: preview)."""
    deletion_count_lag_seconds: float = 5.0
    """How long a branch or snapshot that was deleted still takes a place in the limit; nothing is documented."""
    raised_window_reaches_back: bool = False
    """Whether moments that lay outside a restore window are there once it is raised.

    Neon removes what the window has left behind; nobody has seen what the API then says of its moments.
    """
    restore_keeps_annotations: bool = False
    """True: a branch that replaces another in a finalized restore gets the other's annotations."""
    own_past_detaches: bool = False
    """False: a branch that is set back to its own past becomes a child of the state that it left.

    It is no root branch then, and no snapshot can be taken of it.
    """
    backup_schedules: bool = False
    """Whether branches can have schedules of snapshots; the Agent plan has none, which is answered with 403."""
    empty_schedule_allowed: bool = False
    """Whether a schedule without items turns schedules off; Neon's newer types ask for at least one item."""
    longest_backup_retention_seconds: int | None = 3_024_000
    """How long a snapshot of a schedule is kept at most, and where the schedule does not say; None is for ever.

    Neon's newer types say 35 days, the description of July 2026 names no limit.
    """
    list_shows_quota: bool = True
    """Whether lists show ``settings.quota``.

    True is what the description says: an item of a list has ``settings``, the type that GET has (ProjectListItem).
    Recorded lists of 2025 show every member that the creation showed (neon-api-python); no project had a quota.
    """
    list_zero_compute: bool = False
    """True: lists show zeros for the compute defaults (seen in recorded traffic of 2024)."""
    list_lag_seconds: float = 0.0
    """How long after its creation a project shows up in lists and searches.

    0 is what was recorded: three lists of January 2025 show a project that was created within the last two seconds
    (neon-api-python: test_database, test_endpoints, test_operations). No page promises it, so a run waits.
    """
    list_shows_restore_window: bool = True
    """Whether lists show ``history_retention_seconds``, which is optional there."""
    list_seconds_per_project: float = 0.0
    """How long a list takes for each project; those that its ``timeout`` leaves no time for are named as
    unavailable (Neon: TimeoutParam)."""
    list_order: ListOrder = ListOrder.ID
    """Whether a project keeps its place in a list while the list is read."""
    branch_list_always_has_cursor: bool = True
    """Whether the last page of a project's branches has a cursor, as recorded in 2025; a later sample has none."""
    get_shows_settings: bool = True
    """Whether GET of a project shows ``settings``, which is optional there."""
    get_shows_compute: bool = True
    """Whether GET of a project shows ``default_endpoint_settings``, which is optional there."""
    foreign_project: ForeignProject = ForeignProject.FORBIDDEN
    """What a key of another organization is answered about a project that exists."""
    create_shows_settings: bool = False
    """Whether the answer to a creation shows organization, settings and compute defaults.

    They are optional there. Recorded creations of 2024 and 2025 show settings and compute defaults, but all are of
    accounts without an organization and without a quota. False is the less convenient answer.
    """
    one_way_settings_refused: bool = True
    """Whether a request that ends logical replication or HIPAA is refused; False: the value stays as it is, and
    the rest of the request is carried out.

    The description says that logical replication cannot be disabled, and not what a request to do so gets. Of
    HIPAA it says nothing.
    """
    transfer_keeps_quota: bool = False
    """Whether a project keeps its quota when it moves to another organization.

    Neon's guide says that a transfer preserves "configuration", and sets the quota anew after it.
    """
    deleted_projects_count: bool = True
    """Whether a deleted project takes a place in the limit as long as it can be recovered."""
    delete_waits_for_operations: bool = False
    """True: a project on which operations run is not deleted, as it is not changed: 423.

    The description says of 423 only that it may come. In Neon's recorded traffic a project is deleted within a
    second of its creation, Neon's toolkit does so in its first example, and a deletion starts no operation that
    could be in conflict. Nothing here relies on it: `apply` awaits operations, and repeats what is locked.
    """
    background_work_every_seconds: float | None = 7200.0
    """How often Neon itself works on a project for five seconds, in which writes are answered with 423.

    Neon's sample of such work (manage/operations: check_availability) has it every two hours for four or five
    seconds. None: never. A client cannot foresee it, however well it waits for its own operations.
    """
    default_suspend_as_zero: bool = True
    """Whether a suspend timeout of 300 is reported as 0, Neon's word for the default."""
    rate_limit: RateLimit | None = RateLimit()
    rate_limit_says_when: bool = False
    """Whether a 429 carries ``Retry-After``, which no page mentions."""
    shared_rate_limit: bool = True
    """True: all keys of the simulator are one account."""
    counters_lag_seconds: float = 3600.0
    """How late a single read of a project tells what it has consumed and when it was last active.

    The longest lag is the default, because it is the less convenient one: the description says "some lag"
    (Project), Neon's guide to consumption limits up to an hour.
    """
    consumption_lag_seconds: float = 900.0
    """How long after it was consumed something shows up in the consumption history (Neon: about 15 minutes)."""
    consumption_refused_to: tuple[str, ...] = ()
    """Names of organizations whose plan has no consumption history; whether the sponsored one has is not known."""
    legacy_consumption: bool = False
    """Whether the legacy history is offered; Neon names plans that the Agent plan is none of."""


class Switches:
    """How this Neon behaves where the real one's behaviour is not documented, and how to change that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._text: str | None = None
        self._behaviour = Behaviour()

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves at present."""
        text = self._store.behaviour()
        if text != self._text:
            self._text = text
            self._behaviour = Behaviour() if text is None else msgspec.json.decode(text, type=Behaviour)
        return self._behaviour

    def set(self, behaviour: Behaviour) -> None:
        """Behave like that from now on."""
        self._store.behave(encoded(behaviour))

    def change(self, changes: Mapping[str, Any]) -> Behaviour:
        """Change some switches by name, as JSON has their values. Raises ValueError for what is none."""
        unknown = changes.keys() - {each.name for each in fields(Behaviour)}
        if unknown:
            raise ValueError(f"there is no switch {min(unknown)!r}")
        try:
            changed = msgspec.convert({**as_json(self.behaviour), **changes}, Behaviour)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        self.set(changed)
        return changed


def as_json(behaviour: Behaviour) -> dict[str, Any]:
    """Every switch by its name, as JSON has it."""
    shown: dict[str, Any] = msgspec.to_builtins(behaviour)
    return shown
