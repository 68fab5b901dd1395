"""aiolimiter without its package, which looks up its own version at import, with importlib.metadata.

Import ``AsyncLimiter`` only from here.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from aiolimiter import AsyncLimiter

__all__ = ["AsyncLimiter"]


def _module_of(package: str, module: str) -> ModuleType:
    """A module of a package that is not imported itself. Raises ImportError if it is not there."""
    outer = find_spec(package)
    spec = PathFinder.find_spec(f"{package}.{module}", outer.submodule_search_locations if outer else [])
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"the package {package} has no module {module}", name=package)
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


if not TYPE_CHECKING:
    AsyncLimiter = _module_of("aiolimiter", "leakybucket").AsyncLimiter
