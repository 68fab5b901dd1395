"""The size and suspension of a compute, and what Neon says of both."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.model.values import JsonText

DEFAULT_SUSPEND_TIMEOUT_SECONDS: Final = 300
"""Neon: reports and accepts 0 for this default; both are normalised to the value in effect."""
NEVER_SUSPEND: Final = -1
"""Neon: a suspend timeout of -1 keeps the compute on."""
SHORTEST_SUSPEND_SECONDS: Final = 60
"""Neon: SuspendTimeoutSeconds."""
LONGEST_SUSPEND_SECONDS: Final = 604_800
"""Neon: SuspendTimeoutSeconds."""
MAX_CU_RANGE: Final = 8
"""Neon: docs, manage/computes: a compute that scales does so over at most 8 CU."""
LARGEST_SCALING_CU: Final = 16
"""Neon: docs, manage/computes: a larger compute has a fixed size, which is an even number."""


class Compute(Struct, frozen=True):
    """Size (in CU), suspension and Postgres parameters of a compute; None if nothing is stated."""

    min_cu: float | None = None
    max_cu: float | None = None
    suspend_timeout_seconds: int | None = None
    """Normalised: 300 for Neon's 0; NEVER_SUSPEND for -1."""
    pg_settings: JsonText | None = None
    """Values by parameter; never an empty mapping."""


def with_parameters(below: JsonText | None, above: JsonText | None) -> JsonText | None:
    """Return the parameters of both; of one that both have, the value of ``above``."""
    if below is None or above is None:
        return above or below
    one, other = below.value, above.value
    return JsonText.of({**one, **other}) if isinstance(one, dict) and isinstance(other, dict) else above


DEFAULT_COMPUTE: Final = Compute(0.25, 0.25, DEFAULT_SUSPEND_TIMEOUT_SECONDS)
"""Neon: what a project gets that is created without sizes."""
