"""What this process prepares once, before the first command runs in it."""

from __future__ import annotations

import functools
import gc
from typing import Final

from reconciler.cli import os_errors
from reconciler.cli.initial_environment import take
from reconciler.cli.runtime import Runtime

OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""A large fleet is millions of objects that stay: looking through them at each 700 new ones took half the time."""


@functools.cache
def runtime_of_the_process() -> Runtime:
    """Takes the environment, keys included, and makes room for open files."""
    initial = take()
    os_errors.make_room_for_files()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return Runtime(environ=initial.environ, forget=initial.forget)
