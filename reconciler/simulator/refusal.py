"""How the API says no: a status and a message, raised wherever the rule is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818
    """An error answer. ``body`` replaces Neon's general error object where the API has another shape."""

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        code: str = "",
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = body
        self.headers = headers or {}


def not_found(what: str) -> Refusal:
    """404: unknown, or not visible to this key."""
    return Refusal(404, f"{what} not found")
