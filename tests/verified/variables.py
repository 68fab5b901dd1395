"""The variables that name the account of ``make verified``. No other part of the program reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

URL: Final = "NEON_VERIFIED_URL"
PERSONAL_KEY: Final = "NEON_VERIFIED_PERSONAL_API_KEY"
ORGANIZATIONS: Final = ("free", "paid")
"""The sponsored organization and the one of paying tenants."""
ID: Final = {name: f"NEON_VERIFIED_{name.upper()}_ORG_ID" for name in ORGANIZATIONS}
KEY: Final = {name: f"NEON_VERIFIED_{name.upper()}_ORG_API_KEY" for name in ORGANIZATIONS}
ALL: Final = (URL, PERSONAL_KEY, *ID.values(), *KEY.values())


class MissingVariablesError(Exception):
    """Not all variables are set."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where an account is, and what opens it."""

    url: str
    """Such as https://console.neon.tech/api/v2."""
    personal_key: str
    organization_ids: Mapping[str, str]
    organization_keys: Mapping[str, str]


def access(environ: Mapping[str, str]) -> Access:
    """The account that the variables name. Raises MissingVariablesError, which names those that are missing."""
    missing = [name for name in ALL if not environ.get(name)]
    if missing:
        raise MissingVariablesError(f"no project was created: set {', '.join(missing)} (docs/simulator.md)")
    return Access(
        environ[URL],
        environ[PERSONAL_KEY],
        {name: environ[ID[name]] for name in ORGANIZATIONS},
        {name: environ[KEY[name]] for name in ORGANIZATIONS},
    )
