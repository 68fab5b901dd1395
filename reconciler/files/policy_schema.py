"""The schema of a policy's file. The docstrings of the fields are the descriptions in the JSON Schema."""

from typing import Annotated, TypeAlias

from pydantic import Field

from reconciler.desired.policies import ExpectedResult, OnViolation, Scope
from reconciler.files import readers
from reconciler.files.scalars import Scalar, Slug, Text, Word, member
from reconciler.files.sections import Section
from reconciler.files.tenant_schema import FreeForm

MOST_EXPRESSIONS = 10
MOST_EXAMPLES = 100
MOST_SELECTED = 100

Expression: TypeAlias = Annotated[
    str, Scalar(readers.read_expression, "an expression in CEL", {"type": "string", "minLength": 1})
]
Message: TypeAlias = Annotated[
    str,
    Scalar(readers.read_message, "text", {"type": "string", "minLength": 1, "maxLength": readers.MAX_REASON}),
]
PolicyScope: TypeAlias = Annotated[Scope, member(Scope)]
PolicyEffect: TypeAlias = Annotated[OnViolation, member(OnViolation)]
OutcomeOfExample: TypeAlias = Annotated[ExpectedResult, member(ExpectedResult)]


class PolicySelector(Section):
    """The tenants that a policy is about: as their files declare them, or as the base does."""

    tier: Annotated[tuple[Word, ...], Field(max_length=MOST_SELECTED)] = ()
    """Their tiers. By default all."""
    labels: Annotated[dict[Word, Text], Field(max_length=MOST_SELECTED)] = Field(default_factory=dict)
    """Labels that they all have; `"*"` stands for any value."""


class PolicyExampleDocument(Section):
    """Values for the variables of the policy, and what it has to say about them."""

    example: Text
    """What the example shows."""
    given: dict[Word, FreeForm] = Field(default_factory=dict)
    """Values by the names of variables, such as `change.after: 4`. Only those that the policy needs."""
    expect: OutcomeOfExample
    """`violate`, or `pass`."""


class PolicyDocument(Section):
    """A policy: where all of `when` is true, all of `require` has to be true."""

    policy: Slug
    """Its name, which no other policy has."""
    scope: PolicyScope
    """What it judges, one by one: the whole plan, each tenant, each action, or each change of a field."""
    severity: PolicyEffect = OnViolation.DENY
    """`deny` refuses the actions that violate it. `warn` only says so."""
    select: PolicySelector = PolicySelector()
    """The tenants that it is about. By default all."""
    when: Annotated[tuple[Expression, ...], Field(max_length=MOST_EXPRESSIONS)] = ()
    """Conditions: what does not meet them all is not judged. By default everything is."""
    require: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=MOST_EXPRESSIONS)]
    """What has to be true: expressions in CEL."""
    message: Message
    """What is said where it is not true. Expressions in braces are replaced by their values: `{tenant.name}`."""
    examples: Annotated[tuple[PolicyExampleDocument, ...], Field(max_length=MOST_EXAMPLES)] = ()
    """Cases that `policy test` tries."""
