"""What live subscriptions keep for a reader, whatever the order of events and of sending."""

import asyncio
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.live import EveryPoint, LatestValues, Place
from fieldline.api.websocket.outbox import Backlog, Outbox
from fieldline.api.websocket.updates import DELETED, Shown
from fieldline.api.websocket.v1 import ReadingKeys
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.subscriptions.hub import Hub

TENANT = uuid4()
DEVICE = EntityRef(EntityType.DEVICE, uuid4())
KEYS = ("a", "b")

readings = st.tuples(
    st.just("reading"), st.sampled_from(KEYS), st.integers(0, 5), st.integers(0, 3)
)
deletions = st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(0), st.just(0))
takes = st.tuples(st.just("take"), st.just(""), st.just(0), st.just(0))
steps = st.lists(st.one_of(readings, deletions, takes), max_size=40)


async def never(_text: str) -> None:
    await asyncio.Event().wait()


class Rig:
    """A subscription whose frames are kept as they are."""

    def __init__(self, kind: type[LatestValues] | type[EveryPoint], **limits: int) -> None:
        self.hub = Hub()
        self.full = 0
        self.frames: list[dict[Place, Any]] = []
        bounds = SocketLimits(**limits)
        self.backlog = Backlog(bounds, self._on_full)
        self.outbox = Outbox(never, bounds)
        self.live = kind(
            self.hub, self.outbox, self.backlog, ReadingKeys(frozenset(KEYS)), self._encode
        )
        self.live.watch([DEVICE])

    def run(self, events: list[tuple[str, str, int, int]]) -> None:
        for kind, key, ts, value in events:
            if kind == "reading":
                self.hub.readings([(TENANT, DEVICE, ts, {key: value})])
            elif kind == "delete":
                self.hub.deleted(DEVICE, None, (key,))
            else:
                self.live.take()

    def sent(self, key: str) -> list[Any]:
        return [frame[(DEVICE, key)] for frame in self.frames if (DEVICE, key) in frame]

    def _encode(self, values: dict[Place, Any]) -> bytes:
        self.frames.append(values)
        return b"{}"

    def _on_full(self) -> None:
        self.full += 1


@given(steps)
def test_latest_values_end_with_the_newest(events: list[tuple[str, str, int, int]]) -> None:
    rig = Rig(LatestValues)

    rig.run(events)
    rig.live.take()

    for key in KEYS:
        expected: Shown | None = None
        for kind, name, ts, value in events:
            if name == key and kind == "delete":
                expected = DELETED
            elif name == key and (expected is None or expected == DELETED or ts >= expected[0]):
                expected = (ts, value)
        sent = rig.sent(key)
        assert (sent[-1] if sent else None) == expected
    assert rig.backlog.points == 0


@given(steps)
def test_every_point_is_sent_once_in_order(events: list[tuple[str, str, int, int]]) -> None:
    rig = Rig(EveryPoint)

    rig.run(events)
    rig.live.take()

    for key in KEYS:
        expected: list[Shown] = []
        last: Shown | None = None
        for kind, name, ts, value in events:
            if name != key:
                continue
            if kind == "delete":
                expected.append(DELETED)
                last = None
            elif last != (ts, value):
                last = (ts, value)
                expected.append(last)
        assert [point for points in rig.sent(key) for point in points] == expected
    assert rig.backlog.points == 0


@given(steps)
def test_the_end_of_a_subscription_leaves_nothing_behind(
    events: list[tuple[str, str, int, int]],
) -> None:
    for kind in (LatestValues, EveryPoint):
        rig = Rig(kind)
        rig.run(events)

        rig.live.end()

        assert rig.backlog.points == 0
        assert rig.hub.watched == 0
        assert rig.live.take() is None


def test_what_the_first_reply_showed_is_not_sent_again() -> None:
    rig = Rig(EveryPoint)
    rig.run([("reading", "a", 1, 1), ("reading", "a", 2, 2), ("reading", "b", 1, 1)])

    assert isinstance(rig.live, EveryPoint)
    rig.live.shown({(DEVICE, "a"): [(1, 1)]})
    rig.live.take()

    assert rig.frames == [{(DEVICE, "a"): [(2, 2)], (DEVICE, "b"): [(1, 1)]}]
    assert rig.backlog.points == 0


def test_a_latest_value_that_the_reply_showed_is_not_sent_again() -> None:
    rig = Rig(LatestValues)
    rig.run([("reading", "a", 1, 1), ("reading", "b", 5, 1)])

    assert isinstance(rig.live, LatestValues)
    rig.live.shown({(DEVICE, "a"): (2, 2), (DEVICE, "b"): (4, 0)})
    rig.live.take()

    assert rig.frames == [{(DEVICE, "b"): (5, 1)}]


def test_a_value_that_is_older_than_what_waits_is_dropped_after_the_reply_too() -> None:
    rig = Rig(LatestValues)
    rig.run([("reading", "a", 9, 9)])

    assert isinstance(rig.live, LatestValues)
    rig.live.shown({(DEVICE, "a"): (4, 4)})
    rig.run([("reading", "a", 5, 5), ("take", "", 0, 0)])

    assert rig.frames == [{(DEVICE, "a"): (9, 9)}]


def test_a_key_deleted_while_the_reply_was_made_ends_empty() -> None:
    rig = Rig(LatestValues)
    rig.run([("delete", "a", 0, 0)])

    assert isinstance(rig.live, LatestValues)
    rig.live.shown({(DEVICE, "a"): (4, 4)})
    rig.live.take()
    rig.run([("reading", "a", 2, 2), ("take", "", 0, 0)])

    assert rig.frames == [{(DEVICE, "a"): DELETED}, {(DEVICE, "a"): (2, 2)}]


def test_latest_values_wait_once_per_key_and_never_fill_the_backlog() -> None:
    rig = Rig(LatestValues, max_pending_points=2)

    rig.run([("reading", key, ts, ts) for ts in range(100) for key in KEYS])

    assert (rig.full, rig.backlog.points) == (0, 2)


def test_points_over_the_limit_are_told() -> None:
    rig = Rig(EveryPoint, max_pending_points=10)

    rig.run([("reading", "a", ts, ts) for ts in range(11)])

    assert rig.full == 1
