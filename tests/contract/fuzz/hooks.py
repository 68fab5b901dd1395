"""What schemathesis is told about the simulator: which operations to try, and what exists for them to be about."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

import httpx
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import RejectedPositiveData

from tests.contract.fuzz.reading import read_as_the_judge_does
from tests.contract.fuzz.stage import Account, Names, Stage
from tests.harness.local_http import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

URL: Final = "SIMULATOR_URL"
KEY: Final = "SIMULATOR_KEY"
UNREADABLE: Final = "invalid request"
"""How the message begins where a request is refused for its shape, and not for what it asks."""
NARROWER: Final = (
    "unknown (cursor|metric)",  # any text in the description
    r"\$\.schedule\[\d+\]\.frequency",  # Neon: hourly and yearly are declared, but refused
    r"\$\.schedule\[\d+\]\.retention_seconds",  # any number of seconds in the description
    r"\$\.project\.settings\.maintenance_window\.",  # any text and number in the description; Neon: HH:MM, 1 to 7
    r"\$\.branch\.init_source",  # any text in the description, which speaks of two
    r"\$\.email",  # a format is a hint in OpenAPI, and no rule
    "is no LSN|Invalid isoformat string|has no time zone",  # any text in the description
)
"""Where Neon reads less than the description allows."""
STRANGE: Final = 8
"""One call of so many goes out as it was generated: nothing that it speaks of exists."""
SPARING: Final = ("create", "grant", "reset", "start", "suspend", "restart")
"""How the operations begin that leave everything on a stage where it was."""


class Fuzz:
    """Puts what exists in the place of generated names, and a new stage in the place of one that is used up."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._stage: Stage | None = None
        self._calls = 0
        self._answered: set[str] = set()

    def before_call(self, case: Any) -> None:
        """Let a call speak of what exists, in those of its parts that are as the description has them."""
        if case.meta is None:
            return
        self._calls += 1
        if self._calls % STRANGE == 0:
            return
        self._stage = self._stage or self._account.new_stage()
        names = self._stage.names(operation_of(case))
        for location in (ParameterLocation.PATH, ParameterLocation.QUERY, ParameterLocation.BODY):
            component = case.meta.components.get(location)
            generated = case.get_container(location)
            if component is None or component.mode.is_negative or not isinstance(generated, dict | list):
                continue
            setattr(case, location.container_name, known(generated, names, self._answered))
        name_organization(case, names)

    def after_call(self, case: Any, response: Any) -> None:
        """Leave a stage from which something was taken, or on which something has another name now."""
        spared = case.method == "GET" or operation_of(case).startswith(SPARING)
        if response.status_code < 300 and not spared:
            self._stage = None
        # Calls of the stateful phase build on each other; in the others, what is answered is not asked again.
        if case.meta is not None and case.meta.phase.name == "stateful" and response.content:
            self._answered.update(ids(response.json()))


def operation_of(case: Any) -> str:
    """What the description calls the operation."""
    name: str = case.operation.definition.raw["operationId"]
    return name


def name_organization(case: Any, names: Names) -> None:
    """Say which organization is meant (Neon: optional in the description, but needed with the key of a user)."""
    organization = {"org_id": names["org_id"]}
    if operation_of(case) in ("listProjects", "getConsumptionHistoryPerProject"):
        case.query = {**organization, **case.query}
    elif operation_of(case) == "createProject":
        match case.body:
            case {"project": {**project}}:
                case.body = {**case.body, "project": {**organization, **project}}


def counts(failure: Any, response: Any) -> bool:
    """Whether a failure is one: a request as the description has it may be refused with 400 for what it asks."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    message = response.json()["message"]
    return message.startswith(UNREADABLE) and not any(re.search(reason, message) for reason in NARROWER)


def known(value: Any, names: Names, answered: AbstractSet[str]) -> Any:
    """``value`` with what exists in each place that has a known name, unless it speaks of an answer already."""
    if isinstance(value, dict):
        return {name: _known_member(name, member, names, answered) for name, member in value.items()}
    if isinstance(value, list):
        return [known(item, names, answered) for item in value]
    return value


def _known_member(name: str, member: Any, names: Names, answered: AbstractSet[str]) -> Any:
    if name not in names or not isinstance(member, type(names[name])):
        return known(member, names, answered)
    return member if isinstance(member, str) and member in answered else names[name]


def ids(value: Any) -> Iterator[str]:
    """Every id in an answer."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value["id"]
        yield from ids(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from ids(item)


def _register() -> None:
    headers = {"Authorization": f"Bearer {os.environ[KEY]}"}
    fuzz = Fuzz(Account(httpx.Client(base_url=os.environ[URL], headers=headers, **LOCAL)))
    schemathesis.hook("before_load_schema")(lambda _context, schema: read_as_the_judge_does(schema))
    schemathesis.hook("before_call")(lambda _context, case, _kwargs: fuzz.before_call(case))
    schemathesis.hook("after_call")(lambda _context, case, response: fuzz.after_call(case, response))
    schemathesis.hook("filter_failure")(lambda _context, failure, _case, response: counts(failure, response))


_register()
