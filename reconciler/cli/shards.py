"""Which part of the fleet a run is about: ``--shard I/N``, or ``--shard auto`` from what a CI system sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from reconciler.environment import Environment

AUTO: Final = "auto"
INDEX: Final = "RECONCILER_SHARD_INDEX"
COUNT: Final = "RECONCILER_SHARDS"
MOST: Final = 10_000
"""More parts than anybody runs."""


class JobNumbers(NamedTuple):
    """Two variables that number the jobs which share a task."""

    number_from: str
    total_from: str
    first: int
    """The number of the first job."""
    set_by: str


SOURCES: Final = (
    JobNumbers(INDEX, COUNT, 0, "a workflow of GitHub: ${{ strategy.job-index }} and ${{ strategy.job-total }}"),
    JobNumbers("JOB_COMPLETION_INDEX", COUNT, 0, "Kubernetes in an indexed Job; the count is in the manifest"),
    JobNumbers("CI_NODE_INDEX", "CI_NODE_TOTAL", 1, "GitLab in a job with `parallel:`"),
)
"""In the order in which they are asked: what the workflow says comes before what a CI system sets by itself."""


def read_shard(text: str, environ: Environment) -> tuple[int, int]:
    """The part of ``--shard``, as (I, N). Raises InvalidInputError with a hint."""
    if text == AUTO:
        return _of_environment(environ)
    index, slash, count = text.partition("/")
    if not (slash and _is_number(index) and _is_number(count) and 1 <= int(index) <= int(count)):
        raise InvalidInputError(
            f"--shard takes I/N with 1 <= I <= N, or {AUTO}, not {text!r}", hint="for example --shard 2/8"
        )
    return int(index), int(count)


def _of_environment(environ: Environment) -> tuple[int, int]:
    for source in SOURCES:
        if environ.find(source.number_from) is not None:
            return _of_source(source, environ)
    looked_for = "; ".join(f"${one.number_from} and ${one.total_from} ({one.set_by})" for one in SOURCES)
    raise InvalidInputError("--shard auto: no variable says which part this is", hint=f"set one of: {looked_for}")


def _of_source(source: JobNumbers, environ: Environment) -> tuple[int, int]:
    index, count = (_number(name, environ) for name in (source.number_from, source.total_from))
    part = index - source.first + 1
    if not 1 <= part <= count:
        last = count - 1 + source.first
        raise InvalidInputError(
            f"--shard auto: ${source.number_from} is {index}, and ${source.total_from} is {count}",
            hint=f"of {count} jobs, the first is {source.first} and the last {last}",
        )
    return part, count


def _number(name: str, environ: Environment) -> int:
    """The value is not printed: it may be anything."""
    found = environ.find(name)
    if found is None:
        raise InvalidInputError(f"--shard auto: ${name} is not set", hint="set it to the number of jobs")
    if not _is_number(value := found.reveal()):
        raise InvalidInputError(f"--shard auto: ${name} is not a number from 0 to {MOST:,}")
    return int(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) and int(text) <= MOST
