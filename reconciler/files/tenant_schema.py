"""What people write about a tenant. The docstrings of the fields are the descriptions in the JSON Schema."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from reconciler.files.acceptances import SCHEMA as ACCEPTANCE
from reconciler.files.acceptances import read_acceptance
from reconciler.files.readers import SLUG, read_free_form, text_of
from reconciler.files.scalars import (
    Absent,
    Database,
    Flag,
    Moment,
    Name,
    PgVersion,
    ProjectId,
    Revision,
    Role,
    Seconds,
    Slug,
    TenantName,
    Text,
    Word,
)
from reconciler.files.sections import Section, described, optional

MOST_PREVIOUS = 20
"""Earlier names of a tenant, and earlier patterns of names: each is tried on every project."""
FreeForm = Annotated[Any, PlainValidator(read_free_form), WithJsonSchema({})]
Acceptance = Annotated[Any, PlainValidator(read_acceptance), WithJsonSchema(ACCEPTANCE)]


def _required_unless_absent(schema: dict[str, Any]) -> None:
    """A tombstone needs no tier; everybody else does."""
    schema["required"] = [key for key in schema["required"] if key != "tier"]
    schema["if"] = {"properties": {"state": {"const": "absent"}}, "required": ["state"]}
    schema["else"] = {"required": ["tier"]}


def _named(value: object) -> object:
    """A bare name stands for an entry that has nothing else to say."""
    return {"name": value} if isinstance(value, (str, int)) else value


class ComputeDocument(Section):
    """Size and suspension of a compute; what is not stated is not managed."""

    __annotations__ = optional("compute")


class QuotaOverrides(Section):
    """Single members of the tier's quota."""

    __annotations__ = optional("quota")


class SettingsDocument(Section):
    """Project settings, as the Neon API names them; what is not stated is not managed."""

    __annotations__ = optional("settings")
    unchecked: dict[Word, FreeForm] | None = None
    """Settings that this release does not know, sent as they are written: nothing is checked before apply."""


class OverridesDocument(Section):
    """What this tenant gets instead of its tier's value, member by member."""

    quota: QuotaOverrides | None = None
    compute: ComputeDocument | None = None
    restore_window: Seconds | None = described("restore_window_seconds")
    settings: SettingsDocument | None = None
    """Other project settings; each replaces the tier's."""


class AcceptDocument(Section):
    """What a lowering may do to this tenant; what is not accepted here is refused. Each names the reduction
    that it is for (pro -> free, 7d -> 1d, or a list of them), or a last day; true: what the same commit lowers."""

    suspension: Acceptance = False
    """A quota at or below what is used already, which suspends the tenant at once."""
    full_branches: Acceptance = False
    """A logical size at or below that of a branch, to which writes then fail."""
    history_loss: Acceptance = False
    """A shorter restore window: what lies before it can never be restored again."""


class CopyDocument(Section):
    """A copy of a tenant's data that is to exist: what snapshots and branches have in common."""

    name: Name
    """Unique in its list."""
    at: Moment | None = None
    """The moment whose data it holds; counts at creation only. Without it: when it is made."""
    expires_at: Moment | None = None
    """From then on it is no longer wanted."""


class SnapshotDocument(CopyDocument):
    """A snapshot that is to exist."""

    retake: Flag = False
    """Takes it again where it was there before and is lost: under its old name, of what is there then."""


class DevBranchDocument(CopyDocument):
    """A development branch that is to exist."""

    parent: Name | None = None
    """The branch it starts from; counts at creation only. Without it: the default branch."""
    compute: ComputeDocument | None = None
    """Instead of the tier's size for development branches."""
    schema_only: Flag = False
    """Starts with the parent's schema and no data."""


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
    """The tenant's name; equals the file name, unless the file holds several documents."""
    tier: Word
    """One of the tiers of tiers.yaml."""
    labels: dict[Text, Text] | None = None
    """Never sent to Neon; for selectors, policies and reports."""
    overrides: OverridesDocument | None = None
    snapshots: list[SnapshotEntry] | None = None
    """Snapshots that are to exist: a name, or a mapping. An empty list: none."""
    dev_branches: list[DevBranchEntry] | None = None
    """Development branches that are to exist: a name, or a mapping. An empty list: none."""
    protect: Flag = False
    """Refuses every lowering or destructive action until removed."""
    accept: AcceptDocument | None = None
    previously: Annotated[tuple[TenantName, ...], Field(max_length=MOST_PREVIOUS)] = ()
    """Names that the tenant had before: its project is found by them and renamed, and none is created."""
    state: Absent = False
    """absent: the tenant's project is to be deleted. Its settings count for nothing then, whatever they are."""
    project_id: ProjectId | None = None
    """An adopted project, found by this id whatever its name."""
    recover: ProjectId | None = None
    """The id of the tenant's deleted project: it is brought back, and none is created in its place. Without
    effect while it is live."""
    revision: Revision | None = None
    """A number that grows with each state of the tenant: a lower one than was applied last is refused."""
    region: Slug | None = None
    """Pinned: used at creation, and an error where the live project's differs."""
    pg_version: PgVersion | None = None
    """Pinned: used at creation, and an error where the live project's differs."""
    database: Database | None = None
    """Pinned: the first database, made at creation."""
    role: Role | None = None
    """Pinned: the owner of the first database, made at creation."""
    branch: Name | None = None
    """Pinned: the name of the default branch, made at creation."""


NO_TIER: Final = "-"
"""In place of a tombstone's tier: no tier is called so."""
PINS: Final = ("region", "pg_version", "database", "role", "branch")
SETTINGS: Final = frozenset({"tier", "overrides", "snapshots", "dev_branches", "accept", *PINS})
"""What says how a project is to be: of no matter where it is to be deleted."""


def as_tombstone(value: object) -> object:
    """A tombstone's document without its settings: one that is old may name what exists no more."""
    if not isinstance(value, dict) or text_of(value.get("state")) != "absent":
        return value
    tier = text_of(value.get("tier"))
    kept = {key: member for key, member in value.items() if key not in SETTINGS}
    return {**kept, "tier": tier if tier and SLUG.fullmatch(tier) else NO_TIER}
