"""The base of all actions: pure data that addresses things by name, one class per API call."""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from reconciler.live.project import NOTHING_BELOW, Details
from reconciler.model.problem import Location
from reconciler.plan.change import FieldChange, Risk, highest
from reconciler.plan.stage import Stage

Verb: TypeAlias = Literal[
    "create", "recover", "adopt", "transfer", "change", "reset", "suspend", "restore", "delete"
]


class TenantAction(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all actions have."""

    tenant: str
    reason: str
    """Why, in a few words: ``tier free -> pro``."""
    source: Location
    """The location in the files that asks for it."""
    changes: tuple[FieldChange, ...] = ()

    verb: ClassVar[Verb]
    thing: ClassVar[str]
    """The verb and the kind of object that every view shows."""
    of_whole_project: ClassVar[bool] = False
    """Whether it creates, deletes or moves the project: a plan lists the tenant under this action."""
    base_risk: ClassVar[Risk] = Risk.SAFE
    usual_stage: ClassVar[Stage]
    """When it runs within its tenant's plan, unless ``stage`` says otherwise."""
    details: ClassVar[Details] = NOTHING_BELOW
    """Details of the project that are read again before a late turn."""
    starts_operations: ClassVar[bool] = False
    """Whether each such call starts operations, as far as Neon documents it."""
    in_no_list: ClassVar[bool] = False
    """Whether no list shows the effect: its operations are awaited even if no other action follows."""

    @property
    def subject(self) -> str:
        """The kind of object for the tenant: a branch that is kept as a snapshot is a snapshot."""
        return self.thing

    @property
    def stage(self) -> Stage:
        """When it runs within its tenant's plan."""
        return self.usual_stage

    @property
    def kind(self) -> str:
        """``delete_branch``, as documents and journals name it."""
        return str(self.__struct_config__.tag)

    @property
    def risk(self) -> Risk:
        """The highest risk of the call and its changes."""
        return highest([self.base_risk, *[change.risk for change in self.changes]])

    @property
    def lowering(self) -> bool:
        """Whether it reduces something for the tenant."""
        return any(change.lowering for change in self.changes)
