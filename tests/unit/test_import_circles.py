"""No import circle exists between modules of the product, imports for type checking included."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp


def test_no_import_circle_exists() -> None:
    graph = grimp.build_graph("reconciler", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in sorted(graph.modules)}
    assert _circle(imports) == []


def _circle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of one import circle, the first of them again at the end."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
