"""Sends new notices, each once: first delivered, then recorded."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from reconciler.errors import NotDeliveredError
from reconciler.notify.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.notice import Findings
    from reconciler.notify.destination import Destination
    from reconciler.notify.message import Message
    from reconciler.notify.records import Records


async def notify(
    findings: Findings, destinations: Sequence[Destination], records: Records
) -> list[NotDeliveredError]:
    """Sends each destination one message with the notices that are new to it. Returns the failed deliveries.

    Ended notices are removed before a message, and new ones recorded after it. So a run that dies in between, or a
    message that fails, repeats a notice, and none is lost. Raises what ``records`` raises.
    """
    failed = []
    for destination in destinations:
        before = await records.read(destination.name)
        remaining = findings.remaining(before)
        await records.write(destination.name, before, remaining)
        if not (news := findings.news(before)):
            continue
        try:
            await _send(destination, message(findings, news))
        except NotDeliveredError as error:
            failed.append(error)
            continue
        await records.write(destination.name, remaining, findings.sent(before))
    return failed


async def _send(destination: Destination, sent: Message) -> None:
    """Sends it in a thread. A message that has left is delivered, even if the caller is cancelled."""
    with ThreadPoolExecutor(1, thread_name_prefix="notices") as thread:
        await asyncio.get_running_loop().run_in_executor(thread, destination.send, sent)
