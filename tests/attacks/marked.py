"""What must never leave: every value in the environment of a command that is somebody's secret, marked."""

from __future__ import annotations

import re
from typing import Final

MARK: Final = "hush"
"""In every secret several times, so that a piece of one is found as well."""

KEYS: Final = {
    "FREE_ORG_API_KEY": "napi_hush1free9hush2x56cc51b3hush3",
    "PAID_ORG_API_KEY": "hush1paid0hush2x7692c3adhush3",
    "PERSONAL_API_KEY": "hush1personal0hush2x0b1946achush3",
}
"""The three that open something. They go to Neon, in one header, and nowhere else."""

OTHERS: Final = {
    "AWS_SECRET_ACCESS_KEY": "hush1aws0hush2xKDENGbPxRfihush3",
    "GITHUB_TOKEN": "ghp_hush1github0hush2x16C7e42Fhush3",
    "NPM_TOKEN": "npm_hush1npm0hush2x9d2fhush3",
    "DATABASE_URL": "postgresql://app:hush1database0hush2x3f@127.0.0.1:9/app",
    "PGPASSWORD": "hush1pgpassword0hush2x77ahush3",
    "STRIPE_API_KEY": "sk_live_hush1stripe0hush2x51Hhush3",
}
"""What else a CI job has around it. None of it is anybody's but the job's."""

_TRACE: Final = re.compile(rb"(?i:hush)|aHVza|h1c2g|dXNoM")
"""The mark, and what base64 makes of it at each of the three offsets at which it can begin."""


def traces(data: bytes) -> list[str]:
    """Every place that a secret, or a piece of one, stands in, with what is around it."""
    return [
        data[max(0, found.start() - 30) : found.end() + 30].decode(errors="replace")
        for found in _TRACE.finditer(data)
    ]
