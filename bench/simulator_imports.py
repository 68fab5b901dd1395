"""The processor time of importing the simulator, which a run against Neon does not import."""

from __future__ import annotations

import time
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

SIMULATOR: Final = "reconciler.simulator"


class SimulatorImports:
    """Finds the modules of the simulator; ``spend`` gets the processor seconds of each with all that it imports.

    What the program has imported before is not imported again, and so not counted.
    """

    def __init__(self, spend: Callable[[float], None], package: str = SIMULATOR) -> None:
        self._spend = spend
        self._package = package
        self._within = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As every finder of ``sys.meta_path``."""
        if name != self._package and not name.startswith(f"{self._package}."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            setattr(spec.loader, "exec_module", self._timed(spec.loader.exec_module))  # noqa: B010 - of this one
        return spec

    def _timed(self, execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def timed(module: ModuleType) -> None:
            if self._within:
                execute(module)
                return
            start, self._within = time.thread_time(), True
            try:
                execute(module)
            finally:
                self._within = False
                self._spend(time.thread_time() - start)

        return timed
