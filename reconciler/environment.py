"""The environment variables. Every value counts as a secret until it is validated."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES_ALLOWED: Final = "RECONCILER_ENV"
"""The variable that lists the additional variables that files may name."""
HOSTS_ALLOWED: Final = "RECONCILER_API_HOSTS"
"""The variable that lists the API hosts that files may name in addition to Neon's."""
NOTIFY: Final = "RECONCILER_NOTIFY_URLS"
"""The variable with the addresses that notices go to. It overrides the files."""
APPROVALS: Final = "RECONCILER_APPROVALS"
"""The variable that lists the people who approved a run. The workflow sets it, not the files."""
CACHE: Final = "RECONCILER_CACHE"
"""The variable with the folder of the cache of parsed tenants; ``off`` for none."""
HOST: Final = "NEON_API_HOST"
"""The variable with the API host. It overrides the files."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PERSON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+\[\]-]{0,99}")
_BETWEEN: Final = re.compile(r"[\s,]+")
PULL_REQUESTS: Final = (
    "APPVEYOR_PULL_REQUEST_NUMBER",
    "BITBUCKET_PR_ID",
    "BUILDKITE_PULL_REQUEST",
    "CHANGE_ID",
    "CIRCLE_PULL_REQUEST",
    "CI_MERGE_REQUEST_ID",
    "DRONE_PULL_REQUEST",
    "GITHUB_HEAD_REF",
    "SEMAPHORE_GIT_PR_NUMBER",
    "SYSTEM_PULLREQUEST_PULLREQUESTID",
    "TRAVIS_PULL_REQUEST",
)
"""The variables that CI services set in builds of pull requests. Jenkins sets CHANGE_ID, GitLab sets
CI_MERGE_REQUEST_ID, Azure sets SYSTEM_PULLREQUEST_PULLREQUESTID; the others contain the service's name."""
_NO: Final = re.compile(r"0|false|no", re.IGNORECASE)


class Environment:
    """Environment variables. Only ``find(...).reveal()`` returns a value."""

    __slots__ = ("_secrets",)

    def __init__(self, values: Mapping[str, str]) -> None:
        stripped = ((name, value.strip()) for name, value in values.items())
        self._secrets = {name: Secret(value) for name, value in stripped if value}

    @classmethod
    def of(cls, values: Environment | Mapping[str, str] | None) -> Environment:
        """Converts the values to an environment. None means the environment of the process."""
        if isinstance(values, Environment):
            return values
        return cls(os.environ if values is None else values)

    def find(self, name: str) -> Secret | None:
        """The value of a variable, without surrounding spaces. None if the variable is not set or empty."""
        return self._secrets.get(name)

    def words(self, name: str) -> list[Secret]:
        """The items of a variable that holds a list, separated by commas or spaces."""
        found = self.find(name)
        return [] if found is None else [Secret(word) for word in _BETWEEN.split(found.reveal()) if word]

    def names_allowed(self) -> frozenset[str]:
        """The variables that ``RECONCILER_ENV`` lets files name. Raises InvalidInputError for an invalid name."""
        words = self.words(NAMES_ALLOWED)
        if not all(word.looks_like(_NAME) for word in words):
            raise InvalidInputError(
                f"${NAMES_ALLOWED} contains a word that is not the name of an environment variable",
                hint="list names of variables, not values, separated by commas or spaces",
            )
        return frozenset(word.reveal() for word in words)

    def approvals(self) -> tuple[str, ...]:
        """Who approved the run, by ``RECONCILER_APPROVALS``, each once, in order of the names.

        Raises InvalidInputError for a word that is no name. Names differ in more than case.
        """
        words = self.words(APPROVALS)
        if not all(word.looks_like(_PERSON) for word in words):
            raise InvalidInputError(
                f"${APPROVALS} contains a word that is not a name",
                hint="list names of people, separated by commas or spaces",
            )
        names = {word.reveal().casefold(): word.reveal() for word in words}
        return tuple(names[name] for name in sorted(names))

    @property
    def of_a_pull_request(self) -> bool:
        """Whether the process runs in a CI job for a pull request."""
        set_to = (self.find(name) for name in PULL_REQUESTS)
        return any(value is not None and not value.looks_like(_NO) for value in set_to)

    def hide(self, text: str) -> str:
        """Replaces the values of variables that may be secrets (``may_be_secret``) in the text."""
        for name, secret in self._secrets.items():
            if may_be_secret(name):
                text = secret.hidden_in(text)
        return text

    def __repr__(self) -> str:
        return f"Environment({len(self._secrets)} variables)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("an environment cannot be pickled or copied: it contains secrets")


_SECRET: Final = re.compile(
    r"NEON_\w+|\w*(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|_PAT|_URLS?|_URIS?|_DSN|_HEADERS)", re.IGNORECASE
)
_GIVEN_TO_GIT: Final = re.compile(r"(GIT|SSH|XDG|LC)_\w+")


def may_be_secret(name: str) -> bool:
    """Whether a variable's name suggests a key, a password, or an address that contains one."""
    return _SECRET.fullmatch(name) is not None and _GIVEN_TO_GIT.fullmatch(name) is None
