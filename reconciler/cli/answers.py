"""What a new fleet is to be: from the flags of ``reconciler init``, from answers, otherwise the defaults."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Final

import click

from reconciler import __version__
from reconciler.cli.completion import PLACES, used_shell
from reconciler.errors import InvalidInputError
from reconciler.files.finding import RejectedError
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.readers import read_naming, read_organization_id, read_slug, refuse_secret
from reconciler.files.starting import SPONSORED, PinnedProgram, Start, StartOrganization
from reconciler.model.annotations import PRODUCT
from reconciler.model.quoting import looks_secret
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.cli.flags import StartFlags
    from reconciler.desired.state import DesiredState

PERSON: Final = "personal"
"""Names the key of a person in ``--key``."""
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
"""As workflows and shells have them: a key of Neon's never looks like this."""
_PROGRAM: Final = re.compile(
    r"(?:(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)/(?=.*/))?(?P<repository>[A-Za-z0-9][\w.-]*(?:/[\w.-]+)+)@(?P<commit>[0-9a-f]{40})",
    re.ASCII,
)
"""A first part with a dot, before two others, is a host."""
_REVIEWER: Final = re.compile(r"@[A-Za-z0-9][\w./-]{0,99}", re.ASCII)
_FORGE_URL: Final = re.compile(r"https://(?:(?:github|gitlab)\.com/)?([\w./-]+?)(?:\.git)?/?", re.ASCII)
FORGES: Final = ("github", "gitlab", "none")
NO_SHELL: Final = "none"
SHELLS: Final = (*PLACES, NO_SHELL)


def answers(flags: StartFlags, *, asking: bool, below: str, existing: DesiredState | None) -> Start:
    """What the flags say; what they do not say is asked, if ``asking``.

    ``below`` is the folder of the fleet as in ``Start``; ``existing`` its price list, if there is one: what that
    says is not asked. Raises InvalidInputError for a flag that cannot be used.
    """
    ask = _Questions(asking=asking)
    begun = _new(flags, ask) if existing is None else _from_existing_files(flags, existing)
    forge = ask.one(
        "--forge", flags.forge, f"Where the repository will be ({', '.join(FORGES)})", FORGES[0], _forge
    )
    if forge == "none":
        return replace(begun, forge=None, below=below)
    program, reviewer = _program(flags.program, ask), _reviewer(flags.reviewer, ask)
    return replace(begun, program=program, reviewer=reviewer, forge=forge, below=below)


def shell_to_complete(flags: StartFlags, *, asking: bool) -> str | None:
    """The shell for which a completion is to be written; nothing is written into a home folder unasked."""
    question = f"Shell that completes commands ({', '.join(SHELLS)})"
    default = (used_shell() if asking else None) or NO_SHELL
    found = _Questions(asking=asking).one("--completion", flags.completion, question, default, _shell)
    return None if found == NO_SHELL else found


def _from_existing_files(flags: StartFlags, existing: DesiredState) -> Start:
    if flags.fleet or flags.project_name or flags.organization or flags.key:
        raise InvalidInputError(
            f"{PRICE_LIST} exists: --fleet, --project-name, --organization and --key would change nothing",
            hint=f"edit {PRICE_LIST}, or leave these flags out",
        )
    organizations = existing.organizations.values()
    return Start(
        fleet=existing.fleet,
        project_name=existing.naming.project,
        organizations=tuple(StartOrganization(one.name, str(one.id), one.api_key.name) for one in organizations),
        personal_key=None if existing.personal_api_key is None else existing.personal_api_key.name,
        version=__version__,
    )


def _new(flags: StartFlags, ask: _Questions) -> Start:
    fleet = ask.one("--fleet", flags.fleet, "Name of the fleet", "prod", read_slug)
    pattern = "Name of a tenant's project"
    project_name = ask.one("--project-name", flags.project_name, pattern, "app-{tenant}", read_naming)
    keys = dict(_pair(word, "--key") for word in flags.key)
    organizations = tuple(_organizations(flags.organization, keys, ask))
    person = _personal(keys, ask) if len(organizations) > 1 or PERSON in keys else None
    if unknown := keys.keys() - {*(one.name for one in organizations), PERSON}:
        raise InvalidInputError(
            f"--key names {min(unknown)!r}, which is no organization of the fleet",
            hint=f"one of {', '.join([*(one.name for one in organizations), PERSON])}",
        )
    return Start(fleet, project_name, organizations, person, __version__)


class _Questions:
    def __init__(self, *, asking: bool) -> None:
        self._asking = asking

    def one(
        self, flag: str, stated: str | None, question: str, default: str, read: Callable[[str], object]
    ) -> str:
        """The value of a flag, or the answer to the question, once ``read`` accepts it; or the default."""
        if stated is not None:
            _check(stated, flag, read)
            return stated
        if not self._asking:
            return default

        def accepted(text: str) -> str:
            try:
                read(text)
            except RejectedError as error:
                raise click.BadParameter(_error_text(error)) from None
            return text

        answer: str = click.prompt(
            question, default=default, show_default=bool(default), value_proc=accepted, err=True
        )
        return answer

    def maybe(self, flag: str, stated: str | None, question: str, read: Callable[[str], object]) -> str | None:
        """The same for what may be left out, with an empty answer."""
        found = self.one(flag, stated, f"{question} (Enter for none)", "", lambda text: text and read(text))
        return found or None


def _check(text: str, flag: str, read: Callable[[str], object]) -> None:
    try:
        read(text)
    except RejectedError as error:
        raise InvalidInputError(f"{flag}: {error}", hint=error.hint) from None


def _error_text(error: RejectedError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _organizations(flags: Iterable[str], keys: dict[str, str], ask: _Questions) -> Iterator[StartOrganization]:
    stated = [_with_id(word) for word in flags]
    if not stated:
        names = ask.one("--organization", None, "Organizations, with spaces between", "free paid", _names)
        stated = [(name, None) for name in names.split()]
    if len({name for name, _ in stated}) < len(stated):
        raise InvalidInputError("--organization names an organization twice")
    for name, id_ in stated:
        word = name.upper().replace("-", "_")
        asked = f"Id of organization {name}, or the variable that contains it"
        found = ask.one("--organization", id_, asked, f"${{NEON_{word}_ORG_ID}}", _organization_id)
        id_stated = f"${{{found}}}" if _VARIABLE.fullmatch(found) else found
        key = f"Variable with the key of organization {name}"
        variable = ask.one("--key", keys.get(name), key, f"{word}_ORG_API_KEY", _variable)
        yield StartOrganization(name, id_stated, variable)


def _with_id(word: str) -> tuple[str, str | None]:
    name, equals, id_ = word.partition("=")
    _check(name, "--organization", read_slug)
    return name, id_ if equals else None


def _pair(word: str, flag: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or looks_secret(word):
        raise InvalidInputError(f"{flag} takes NAME=VARIABLE", hint=f"for example {flag} free=FREE_ORG_API_KEY")
    return name, value


def _personal(keys: dict[str, str], ask: _Questions) -> str:
    question = "Variable with the key of a person who is admin of all of them, for transfers"
    return ask.one("--key", keys.get(PERSON), question, "PERSONAL_API_KEY", _variable)


def _program(stated: str | None, ask: _Questions) -> PinnedProgram | None:
    installed = None if stated is not None else _installed_from()
    question = "Repository and commit of reconciler for workflows, OWNER/NAME@COMMIT"
    found = installed or ask.maybe("--program", stated, question, _program_name)
    match = None if found is None else _PROGRAM.fullmatch(found)
    return None if match is None else PinnedProgram(match["repository"], match["commit"], match["host"])


def _reviewer(stated: str | None, ask: _Questions) -> str | None:
    return ask.maybe("--reviewer", stated, "Who reviews changes of tiers.yaml, such as @acme/platform", _handle)


def _installed_from() -> str | None:
    """The repository and the commit that this program was installed from, if pip recorded one (PEP 610)."""
    try:
        recorded = json.loads(distribution(PRODUCT).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    match = _FORGE_URL.fullmatch(str(recorded.get("url", "")))
    found = f"{match[1]}@{recorded.get('vcs_info', {}).get('commit_id')}" if match else ""
    return found if _PROGRAM.fullmatch(found) else None


def _names(text: str) -> None:
    for name in text.split():
        read_slug(name)
    if not text.split():
        raise RejectedError("name one organization", f"such as {SPONSORED}")


def _organization_id(text: str) -> None:
    refuse_secret(text)
    if not _VARIABLE.fullmatch(text):
        read_organization_id(text)


def _variable(text: str) -> None:
    """Messages never repeat the text, which may be a key."""
    if not _VARIABLE.fullmatch(text):
        raise RejectedError("this is not the name of an environment variable", "in capitals: FREE_ORG_API_KEY")


def _forge(text: str) -> None:
    if text not in FORGES:
        raise RejectedError("this is none of them", ", ".join(FORGES))


def _shell(text: str) -> None:
    if text not in SHELLS:
        raise RejectedError("this is none of them", ", ".join(SHELLS))


def _program_name(text: str) -> None:
    if not _PROGRAM.fullmatch(text):
        raise RejectedError(
            "a program is [HOST/]OWNER/NAME@COMMIT, with the 40 digits of a commit",
            "without git+, https:// and .git, as in gitlab.example.com/platform/reconciler@COMMIT",
        )


def _handle(text: str) -> None:
    if not _REVIEWER.fullmatch(text):
        raise RejectedError("a reviewer is a user or a team: @octocat, @acme/platform")
