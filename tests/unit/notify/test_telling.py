"""What is told once: news, what is over, kills at each step, services that fail, and any sequence of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import field

from reconciler.errors import NotDeliveredError
from reconciler.model.notice import Findings, Notice, NoticeKey, Sent, Weight
from reconciler.notify.destination import Destination
from reconciler.notify.records import NoRecords
from reconciler.notify.sent_file import SentFile
from reconciler.notify.telling import notify
from reconciler.secret import Secret
from tests.harness.wire import Killed

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.notice import SentByKey
    from reconciler.notify.message import Message

NAMES: Final = ("acme", "bob", "eve")


def notice(name: str, level: int = 80, since: str = "") -> Notice:
    return Notice(
        key=NoticeKey("usage", name, "quota.active_time_seconds"),
        text=f"{name}: {level}",
        heading="above a threshold",
        weight=Weight.WARNING,
        sent=Sent(level, since),
    )


def found(*notices: Notice, seen: tuple[str, ...] = NAMES) -> Findings:
    return Findings(
        fleet="prod", notices=notices, looked_at=lambda key: key.subject in seen, command="reconciler usage"
    )


class Service(Destination, frozen=True):
    """Takes messages; fails or dies where a test says so."""

    name: str = "$URL"
    address: Secret = Secret("json://host/token")
    messages: list[Message] = field(default_factory=list)
    fails: list[bool] = field(default_factory=list)
    dies: list[str] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.dies and self.dies.pop() == "before":
            raise Killed
        if self.fails:
            raise NotDeliveredError(f"no notice was delivered to {self.name}")
        self.messages.append(message)

    @property
    def told(self) -> list[str]:
        return [line[2:] for message in self.messages for line in message.body.splitlines() if line[:2] == "- "]


class Dying(NoRecords):
    """Records that die before or after the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.dies_at = 0
        self.before = True

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        self.writes += 1
        if self.writes == self.dies_at and self.before:
            raise Killed
        await super().write(destination, before, after)
        if self.writes == self.dies_at:
            raise Killed


def tell(findings: Findings, service: Service, records: NoRecords | SentFile) -> list[NotDeliveredError]:
    return asyncio.run(notify(findings, [service], records))


def test_what_is_new_is_told_and_what_lasts_is_not() -> None:
    service, records = Service(), NoRecords()
    for _ in range(3):
        tell(found(notice("acme")), service, records)
    assert service.told == ["acme: 80"]


def test_a_higher_level_and_another_period_are_new_and_a_lower_level_is_not() -> None:
    service, records = Service(), NoRecords()
    for one in (notice("acme", 95), notice("acme", 80), notice("acme", 95), notice("acme", 95, "2031-12-01")):
        tell(found(one), service, records)
    assert service.told == ["acme: 95", "acme: 95", "acme: 95"]


def test_what_was_not_looked_at_is_not_over() -> None:
    service, records = Service(), NoRecords()
    for findings in (found(notice("acme")), found(seen=("bob",)), found(notice("acme"))):
        tell(findings, service, records)
    assert service.told == ["acme: 80"]


def test_what_is_over_is_over_although_a_service_fails() -> None:
    service, records = Service(), NoRecords()
    tell(found(notice("acme")), service, records)
    service.fails.append(True)
    assert len(tell(found(notice("bob")), service, records)) == 1
    service.fails.clear()
    tell(found(notice("acme"), notice("bob")), service, records)
    assert service.told == ["acme: 80", "acme: 80", "bob: 80"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", [1, 2])
def test_a_kill_at_a_record_repeats_a_notice_and_drops_none(step: int, before: bool) -> None:
    service, records = Service(), Dying()
    tell(found(notice("eve")), service, records)
    records.writes, records.dies_at, records.before = 0, step, before
    with pytest.raises(Killed):
        tell(found(notice("acme")), service, records)
    records.dies_at = 0
    tell(found(notice("acme")), service, records)
    repeated = step == 2 and before
    assert service.told == ["eve: 80", "acme: 80", *["acme: 80"] * repeated]


def test_a_kill_at_the_message_drops_none() -> None:
    service, records = Service(), NoRecords()
    service.dies.append("before")
    with pytest.raises(Killed):
        tell(found(notice("acme")), service, records)
    tell(found(notice("acme")), service, records)
    assert service.told == ["acme: 80"]


STATES: Final = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([80, 95, 100]))


@given(st.lists(st.tuples(STATES, st.booleans(), st.integers(0, 3)), max_size=12))
def test_no_crossing_is_dropped_whatever_fails_and_dies(rounds: list[tuple[dict[str, int], bool, int]]) -> None:
    """After a round that ends well, each crossing was delivered since a round last recorded that it was over."""
    service, records, delivered = Service(), Dying(), dict.fromkeys(NAMES, 0)
    for crossings, fails, dies_at in rounds:
        service.messages.clear()
        service.fails[:] = [True] if fails else []
        records.writes, records.dies_at, killed = 0, dies_at, False
        try:
            tell(found(*(notice(name, level) for name, level in crossings.items())), service, records)
        except Killed:
            killed = True
        if not (killed and dies_at == 1):
            delivered = {name: min(level, crossings.get(name, 0)) for name, level in delivered.items()}
        for line in service.told:
            name, level = line.split(": ")
            delivered[name] = int(level)
        if not (killed or fails):
            assert {name: level for name, level in delivered.items() if level} == crossings


def test_each_service_is_told_by_itself() -> None:
    one, other, records = Service("$ONE"), Service("$OTHER"), NoRecords()
    other.fails.append(True)
    asyncio.run(notify(found(notice("acme")), [other, one], records))
    other.fails.clear()
    asyncio.run(notify(found(notice("acme")), [other, one], records))
    assert (one.told, other.told) == (["acme: 80"], ["acme: 80"])


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    tell(found(notice("acme"), notice("zoë")), Service(), SentFile(path, "prod"))
    again = SentFile(path, "prod")
    assert asyncio.run(again.read("$URL")) == {notice(name).key: Sent(80, "") for name in ("acme", "zoë")}
    assert [one.name for one in tmp_path.iterdir()] == ["told.json"]


def test_commands_that_share_the_file_undo_nothing_of_each_other(tmp_path: Path) -> None:
    """One keeps the file open while another tells something, and finds that something else is over."""
    path, service = tmp_path / "told.json", Service()
    watching, other = SentFile(path, "prod"), SentFile(path, "prod")
    tell(found(notice("acme"), seen=("acme",)), service, watching)
    tell(found(notice("bob"), seen=("bob",)), service, other)
    tell(found(notice("eve"), seen=("eve",)), service, watching)
    tell(found(seen=("acme",)), service, other)
    tell(found(notice("eve", 95), seen=("eve",)), service, watching)
    tell(found(notice("acme"), notice("bob"), notice("eve", 95)), service, SentFile(path, "prod"))
    assert service.told == ["acme: 80", "bob: 80", "eve: 80", "eve: 95", "acme: 80"]


def test_a_write_changes_only_what_differs(tmp_path: Path) -> None:
    """Another command has changed the file since it was read."""
    path = tmp_path / "told.json"
    one, other = SentFile(path, "prod"), SentFile(path, "prod")
    key = {name: notice(name).key for name in NAMES}
    sent = Sent(80, "")
    asyncio.run(one.write("$URL", {}, {key["acme"]: sent, key["bob"]: sent}))
    before = asyncio.run(other.read("$URL"))
    asyncio.run(one.write("$URL", before, {key["bob"]: sent}))
    asyncio.run(other.write("$URL", before, {**before, key["eve"]: sent}))
    assert set(asyncio.run(one.read("$URL"))) == {key["bob"], key["eve"]}


def test_a_file_that_is_a_link_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet").mkdir()
    (tmp_path / "target").write_text("kept", encoding="utf-8")
    link = tmp_path / "fleet" / "told.json"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(Exception, match="is a symbolic link"):
        SentFile(link, "prod")
    assert (tmp_path / "target").read_text(encoding="utf-8") == "kept"
