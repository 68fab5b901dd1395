"""The commands that every attack meets: as README.md's workflow and its sections show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BASE: Final = ("--base", "applied")
_KEPT: Final = ("--journal", "journal.jsonl", "--output", "report.json")

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "validate": (
        "validate",
        *("--output", "{{OUT}}/problems.json"),
        *("--output", "{{OUT}}/problems.sarif"),
        *("--output", "{{OUT}}/problems.xml"),
    ),
    "plan": (
        "plan",
        *_BASE,
        "--output",
        "plan.md",
        "--output",
        "{{OUT}}/plan.json",
        "--output",
        "{{OUT}}/plan.html",
        "--output",
        "{{OUT}}/plan.xml",
        "--out",
        "{{OUT}}/saved.json",
    ),
    "diff": (
        "diff",
        "main",
        *("--output", "{{OUT}}/diff.md"),
        *("--output", "{{OUT}}/diff.html"),
        *("--output", "{{OUT}}/diff.annotations"),
    ),
    "adopt": ("adopt", *_BASE, "--dry-run", "--full", "--questions", "{{OUT}}/questions.ndjson"),
    "plan-without-base": ("plan", "--format", "markdown", "--full"),
    "show": ("show", "{{OUT}}/saved.json", "--output", "{{OUT}}/shown.md"),
    "drift": ("drift", *_BASE, "--format", "json", "--output", "{{OUT}}/drift.md"),
    "usage": ("usage", *_BASE, "--output", "{{OUT}}/usage.csv", "--output", "{{OUT}}/usage.md"),
    "doctor": ("doctor", *_BASE, "--output", "{{OUT}}/doctor.json"),
    "schema": ("schema", "tenant"),
    "simulator-env": ("simulator", "env", "--data", "{{OUT}}/env.db"),
    "converge": ("converge", "bluebird", *_BASE, *_KEPT),
    "converge-document": ("converge", "-", *_BASE, "--format", "json", "--journal", "journal.jsonl"),
    "apply-of-main": ("apply", "--yes", *_BASE, "--ref", "main", *_KEPT),
    "apply": ("apply", "--yes", *_BASE, *_KEPT, "--output", "{{OUT}}/report.md"),
    "registry-rebuild": ("registry", "rebuild"),
}
"""By name, in the order in which they run: what reads comes first."""

FEW: Final = ("validate", "plan", "converge", "apply-of-main", "apply")
"""Those that every variant of a case meets in each run; the first one meets some of the others too."""

WRITING: Final = ("apply", "converge", "registry")
"""Only these may write to Neon."""
WITHOUT_FILES: Final = ("show", "schema")
"""These know no folder of files."""


def in_folder(arguments: tuple[str, ...], folder: str | None) -> tuple[str, ...]:
    """The command for a fleet in a folder of the repository; None is a fleet that is the repository."""
    if folder is None or arguments[0] in WITHOUT_FILES:
        return arguments
    words = 2 if arguments[0] in ("simulator", "registry") else 1
    return (*arguments[:words], "-C", folder, *arguments[words:])
