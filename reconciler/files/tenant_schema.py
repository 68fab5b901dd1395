"""The schema of a tenant file. The docstrings of the fields are the descriptions in the JSON Schema."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from reconciler.desired.tier import Occasion
from reconciler.files import deletions
from reconciler.files.finding import Finding
from reconciler.files.plain_values import text_of
from reconciler.files.readers import ACCEPTANCE_SCHEMA, SLUG, read_acceptance, read_free_form
from reconciler.files.scalars import (
    Before,
    Database,
    Flag,
    Moment,
    Name,
    PgVersion,
    ProjectId,
    Reason,
    ReplicaName,
    Revision,
    Role,
    Seconds,
    Slug,
    State,
    TenantName,
    Text,
    Word,
)
from reconciler.files.sections import Section, described, optional, raisable, required_key
from reconciler.files.wording import read
from reconciler.model.fields.table import of

MOST_PREVIOUS = 20
"""Earlier names of a tenant, and earlier patterns of names: each is tried on every project."""
MOST_BOOSTS = 20
"""Boosts of a tenant, ended ones included."""
FreeForm = Annotated[Any, PlainValidator(read_free_form), WithJsonSchema({})]
Acceptance = Annotated[Any, PlainValidator(read_acceptance), WithJsonSchema(ACCEPTANCE_SCHEMA)]
Deletion = Annotated[Any, PlainValidator(deletions.read_deletion), WithJsonSchema(deletions.SCHEMA)]
_UNCHECKED: Final = "unchecked"
_NEVER_ACCEPTED: Final = frozenset({"quota"})
"""Keys that no release accepts under ``settings``."""
_MEMBERS: Final = {field.key: frozenset(member.key for member in field.members) for field in of("settings")}
"""The settings of the table of fields, each with its members; none where it has a single value."""


def _required_unless_absent(schema: dict[str, Any]) -> None:
    """Every tenant needs a tier, except one with state: absent."""
    schema["required"] = [key for key in schema["required"] if key != "tier"]
    schema["if"] = {"properties": {"state": {"const": "absent"}}, "required": ["state"]}
    schema["else"] = {"required": ["tier"]}


def _named(value: object) -> object:
    """A name alone stands for an entry that has only a name."""
    return {"name": value} if isinstance(value, (str, int)) else value


class ComputeDocument(Section):
    """Size and suspension of a compute; an absent member is not managed."""

    __annotations__ = optional("compute")


class ReplicaDocument(Section):
    """A read replica; an absent member is that of the default branch's compute."""

    __annotations__ = optional("compute")


class MainComputeDocument(ComputeDocument):
    """The compute of the default branch, and its read replicas; an absent member is not managed."""

    replicas: dict[ReplicaName, ReplicaDocument] | None = None
    """The read replicas of the default branch, by name. One with the name of a live read replica manages it. One
    that a commit removes here is deleted; others are left alone, also where the whole key is removed."""


class QuotaOverrides(Section):
    """Members of the quota that differ from the tier's."""

    __annotations__ = optional("quota")


class SettingsDocument(Section):
    """Project settings, as the Neon API names them; an absent one is not managed."""

    __annotations__ = optional("settings")
    unchecked: dict[Word, FreeForm] | None = None
    """Settings that this release does not know, sent as written: they are not checked before apply."""


class SnapshotOverrides(Section):
    """How snapshots of this tenant are taken."""

    before: Annotated[tuple[Before, ...], Field(max_length=len(Occasion))] | None = None
    """What a snapshot is taken before, instead of what the tiers say; an empty list for none."""


class OverridesDocument(Section):
    """Values of this tenant instead of its tier's, member by member."""

    quota: QuotaOverrides | None = None
    compute: MainComputeDocument | None = None
    restore_window: Seconds | None = described("restore_window_seconds")
    protected: Flag | None = described("protected")
    settings: SettingsDocument | None = None
    """Other project settings; each one replaces the tier's."""
    snapshots: SnapshotOverrides | None = None


class AcceptDocument(Section):
    """What a reduction may do to this tenant; anything else is refused. Each key names the accepted reduction
    (pro -> free, 7d -> 1d, or a list of them), or a last day; true accepts what the same commit reduces."""

    suspension: Acceptance = False
    """A quota at or below the current usage, which suspends the tenant at once."""
    full_branches: Acceptance = False
    """A logical size at or below that of a branch: writes to that branch then fail."""
    history_loss: Acceptance = False
    """A shorter restore window: earlier states can no longer be restored."""
    deletion: Deletion = False
    """The roles and databases that no file declares any longer and that may be deleted: databases.legacy, a list,
    or a last day."""


class BoostedCompute(Section):
    """Sizes and suspension of a compute."""

    __annotations__ = raisable("compute")


class BoostDocument(Section):
    """A raise over the tier with its overrides, which ends by itself."""

    quota: QuotaOverrides | None = None
    """Members of the quota; each raises what the tier grants, or unlimited."""
    compute: BoostedCompute | None = None
    """Sizes and suspension of the default branch's compute; each raises what the tier grants."""
    until: Moment
    """When it ends: then the tenant has what its tier grants, without another commit."""
    reason: Reason | None = None
    """Why, for plans and for whoever asks later."""


class HoldDocument(Section):
    """Leaves the tenant alone: no run changes anything of it, whatever asks for it."""

    until: Moment
    """When it ends."""
    reason: Reason
    """Why, for plans and for whoever asks later."""


class CopyDocument(Section):
    """A declared copy of a tenant's data: the common keys of snapshots and branches."""

    name: Name = required_key("snapshots.name")
    at: Moment | None = described("snapshots.at")
    expires_at: Moment | None = described("snapshots.expires_at")


class SnapshotDocument(CopyDocument):
    """A declared snapshot."""

    retake: Flag = False
    """Creates the snapshot again, with the same name and of the current data, if it was lost."""


class DatabaseDocument(Section):
    """A declared database."""

    name: Database
    """Neon reserves postgres, template0 and template1."""
    owner: Role
    """A declared role of the branch, or the role that was created with the project. A change is a patch."""


class DevBranchDocument(CopyDocument):
    """A declared development branch."""

    parent: Name | None = described("dev_branches.parent")
    compute: ComputeDocument | None = None
    """Replaces the tier's compute of development branches."""
    schema_only: Flag = described("dev_branches.schema_only", default=False)
    protected: Flag | None = described("dev_branches.protected")
    reset: Revision = 0
    """A number. A commit that raises it resets the existing branch to its parent once: what was written to the
    branch is lost. A branch that was created or reset after that commit is not reset again."""
    disposable: Flag = False
    """Lets the branch go while nobody uses it, where the tier says so in `cleanup.dev_branches`. It is created
    again when a commit changes its entry."""
    roles: list[Role] | None = None
    """Its roles, beside those that come from its parent."""
    databases: list[DatabaseDocument] | None = None
    """Its databases, beside those that come from its parent."""


SnapshotEntry = Annotated[
    SnapshotDocument, BeforeValidator(_named, json_schema_input_type=Name | SnapshotDocument)
]
DevBranchEntry = Annotated[
    DevBranchDocument, BeforeValidator(_named, json_schema_input_type=Name | DevBranchDocument)
]


class TenantDocument(Section):
    """One tenant: a database project of its own. A key that is absent is not managed."""

    model_config = ConfigDict(json_schema_extra=_required_unless_absent)

    tenant: TenantName
    """The tenant's name. Equals the file name, unless the file contains several documents."""
    tier: Word
    """One of the tiers of tiers.yaml."""
    labels: dict[Text, Text] | None = None
    """For selections; never sent to Neon."""
    overrides: OverridesDocument | None = None
    snapshots: list[SnapshotEntry] | None = None
    """The declared snapshots: a name or a mapping each. An empty list means none."""
    dev_branches: list[DevBranchEntry] | None = None
    """The declared development branches: a name or a mapping each. An empty list means none."""
    roles: list[Role] | None = None
    """Roles of the default branch, in addition to the tier's. What no file ever declared is left alone."""
    databases: list[DatabaseDocument] | None = None
    """Databases of the default branch, in addition to the tier's; one with the name of a tier's replaces it."""
    protect: Flag = False
    """Refuses every reduction and every destructive action while it is true."""
    accept: AcceptDocument | None = None
    previously: Annotated[tuple[TenantName, ...], Field(max_length=MOST_PREVIOUS)] = ()
    """Earlier names of the tenant: a project with one of these names is renamed, and none is created."""
    state: State = "present"
    """absent deletes the tenant's project, and the tenant's settings are then ignored. suspended suspends its
    computes and sets its quota to Neon's minimum, so that none starts."""
    reason: Reason | None = None
    """Why the tenant is suspended; state: suspended needs it."""
    boosts: Annotated[tuple[BoostDocument, ...], Field(max_length=MOST_BOOSTS)] = ()
    """Raises over the tier, each until its end. Of several raises of one limit, the largest counts."""
    hold: HoldDocument | None = None
    project_id: ProjectId | None = None
    """The id of the tenant's project, which may have any name."""
    recover: ProjectId | None = None
    """The id of the tenant's deleted project, which is recovered instead of creating a new one. Without effect
    while the project is live."""
    revision: Revision | None = None
    """A number that increases with each version of the document: a lower one than the last applied is refused."""
    region: Slug | None = None
    """Pinned: used at creation, and an error if the live project differs."""
    pg_version: PgVersion | None = None
    """Pinned: used at creation, and an error if the live project differs."""
    database: Database | None = None
    """Pinned: the first database, created with the project."""
    role: Role | None = None
    """Pinned: the owner of the first database, created with the project."""
    branch: Name | None = None
    """Pinned: the name of the default branch, created with the project."""


def read_tenant(value: object) -> TenantDocument | tuple[Finding, ...]:
    """Return the document of a tenant in the schema's type, or its findings."""
    return read(TenantDocument, as_tombstone(value))


NO_TIER: Final = "-"
"""In place of a tombstone's tier. No tier has this name."""
PINS: Final = ("region", "pg_version", "database", "role", "branch")
SETTINGS: Final = frozenset(
    {
        *("tier", "overrides", "snapshots", "dev_branches", "roles", "databases", "accept", "reason", "boosts"),
        *PINS,
    }
)
"""The keys that describe a project. They are ignored if the project is to be deleted."""


def as_tombstone(value: object) -> object:
    """A tombstone's document without its settings, which may name what no longer exists."""
    if not isinstance(value, dict) or text_of(value.get("state")) != "absent":
        return value
    tier = text_of(value.get("tier"))
    kept = {key: member for key, member in value.items() if key not in SETTINGS}
    return {**kept, "tier": tier if tier and SLUG.fullmatch(tier) else NO_TIER}


def tolerant_tenant(value: object) -> object:
    """Return the document of an earlier commit with its unknown settings under ``unchecked``: another release
    accepted them.
    """
    return _changed(value, "overrides", _tolerant_section)


def tolerant_tiers(value: object) -> object:
    """Return the document of tiers.yaml with the unknown settings of each tier under ``unchecked``."""
    return _changed(value, "tiers", _tolerant_sections)


def _tolerant_sections(value: object) -> object:
    return {name: _tolerant_section(tier) for name, tier in value.items()} if isinstance(value, dict) else value


def _tolerant_section(value: object) -> object:
    return _changed(value, "settings", _unknown_moved)


def _changed(value: object, key: str, change: Callable[[object], object]) -> object:
    """Return the mapping with one of its members changed."""
    return {**value, key: change(value[key])} if isinstance(value, dict) and key in value else value


def _unknown_moved(settings: object) -> object:
    written = settings.get(_UNCHECKED, {}) if isinstance(settings, dict) else None
    if not isinstance(settings, dict) or not isinstance(written, dict):
        return settings
    unknown = {key: value for key, value in settings.items() if _is_unknown(key, value)}
    kept = {key: value for key, value in settings.items() if key not in unknown}
    return {**kept, _UNCHECKED: {**unknown, **written}} if unknown else settings


def _is_unknown(key: object, value: object) -> bool:
    """Return whether this release knows no such setting, or not each of its members."""
    if key in _NEVER_ACCEPTED or key == _UNCHECKED:
        return False
    members = _MEMBERS.get(str(key))
    return members is None or (bool(members) and isinstance(value, dict) and not members.issuperset(value))
