"""``--notify``: notifies people of findings. Addresses come from flags, the environment, or trusted files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.cli.runtime import runtime
from reconciler.environment import NOTIFY
from reconciler.errors import ExitCode, InvalidInputError, MissingKeyError, ReconcilerError
from reconciler.notify.destination import destinations
from reconciler.notify.records import NoRecords
from reconciler.notify.sent_file import SentFile
from reconciler.secret import Secret
from reconciler.views.console import say_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.cli.flags import AccountFlags, NotifyFlags
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import EnvReference
    from reconciler.environment import Environment
    from reconciler.fleet import Fleet
    from reconciler.model.notice import Findings
    from reconciler.notify.destination import Destination
    from reconciler.notify.records import Records

NOWHERE: Final = f"set {NOTIFY}, pass --notify-to, or add `notify: {{urls: [...]}}` to tiers.yaml"
ALONE: Final = "pass --notify-to URL: changes of a simulated account are not sent to the addresses of the real one"
STATE: Final = "pass --notify-state FILE and keep the file between runs, or use a registry"


class Notifier(Struct, frozen=True):
    """Tells people. ``records`` is None for those of the registry."""

    fleet: Fleet
    destinations: Sequence[Destination]
    records: Records | None

    async def tell(self, findings: Findings) -> ExitCode:
        """ERROR if a destination was not reached, or nothing recorded, which is printed; otherwise DONE."""
        failed: list[ReconcilerError] = []
        try:
            failed += await self.fleet.notify(findings, self.destinations, records=self.records)
        except ReconcilerError as error:
            failed.append(error)
        for one in failed:
            say_error(one)
        return ExitCode.ERROR if failed else ExitCode.DONE


def open_notifier(
    flags: NotifyFlags, account: AccountFlags, fleet: Fleet, files: DesiredState, *, remembers: bool
) -> Notifier:
    """The notifier that the flags ask for, checked before the first call.

    ``remembers`` says that the command would send the same in each run: then sent notices have to be recorded.
    Called once the files are trusted. Raises InvalidInputError for an address that is none, and without any,
    MissingKeyError for a variable that is not set, and MachineError if Apprise is not installed.
    """
    if not flags.wanted:
        raise InvalidInputError("--notify-state is for --notify and --notify-to", hint="pass one of them too")
    found = _addresses(flags, account, files, runtime().environ)
    opened = [destination for name, value in found for destination in destinations(name, value)]
    return Notifier(fleet, opened, _records(flags, fleet, files, remembers=remembers))


def _records(flags: NotifyFlags, fleet: Fleet, files: DesiredState, *, remembers: bool) -> Records | None:
    if flags.notify_state is not None:
        return SentFile(flags.notify_state, files.fleet)
    if fleet.keeps_rows:
        return None
    if remembers:
        raise InvalidInputError("no record of sent notices is kept: every run would send them again", hint=STATE)
    return NoRecords()


def _addresses(
    flags: NotifyFlags, account: AccountFlags, files: DesiredState, environ: Environment
) -> Iterator[tuple[str, Secret]]:
    """Where each address comes from, and its value: the flags, otherwise the environment, otherwise the files."""
    if flags.notify_to:
        for number, url in enumerate(flags.notify_to, start=1):
            yield ("--notify-to" if len(flags.notify_to) == 1 else f"--notify-to ({number})"), Secret(url)
        return
    if account.simulator is not None:
        raise InvalidInputError(
            "with --simulator, notices are not sent unless --notify-to names an address", hint=ALONE
        )
    if (outside := environ.find(NOTIFY)) is not None:
        yield f"${NOTIFY}", outside
        return
    if not files.notify:
        raise InvalidInputError("--notify: there is no address to send notices to", hint=NOWHERE)
    yield from (_of_files(reference, environ) for reference in files.notify)


def _of_files(reference: EnvReference, environ: Environment) -> tuple[str, Secret]:
    value = environ.find(reference.name)
    if value is None:
        raise MissingKeyError(
            f"${reference.name} is not set: tiers.yaml names it as an address of notices",
            hint=f"export {reference.name}=slack://...",
        )
    return f"${reference.name}", value
