"""Strategies of structs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def built(
    kind: Callable[..., T], *members: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]
) -> st.SearchStrategy[T]:
    """As ``st.builds``, for a struct whose module imports the types of its annotations for type checking alone."""
    return st.builds(lambda *given, **by_name: kind(*given, **by_name), *members, **named)  # noqa: PLW0108 - has no annotations
