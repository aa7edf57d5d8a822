"""The hub tells those who watch an entity, and only them."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import Value
from fieldline.subscriptions.hub import Hub

TENANT = uuid4()
DEVICE = EntityRef(EntityType.DEVICE, uuid4())
OTHER = EntityRef(EntityType.DEVICE, uuid4())


class Notebook:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        self.seen.append((entity, ts_ms, dict(values)))

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        self.seen.append((entity, scope, ts_ms, dict(values)))

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        self.seen.append((entity, scope, keys))


class Broken(Notebook):
    """A watcher with a bug."""

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        raise RuntimeError


def test_tells_a_watcher_about_its_entity_in_order() -> None:
    hub, notebook = Hub(), Notebook()
    hub.watch(DEVICE, notebook)

    hub.readings([(TENANT, DEVICE, 1, {"a": 1})])
    hub.readings([(TENANT, OTHER, 2, {"a": 2})])
    hub.attributes(DEVICE, "SERVER_SCOPE", 3, {"b": True})
    hub.deleted(DEVICE, None, ("a",))

    assert notebook.seen == [
        (DEVICE, 1, {"a": 1}),
        (DEVICE, "SERVER_SCOPE", 3, {"b": True}),
        (DEVICE, None, ("a",)),
    ]


def test_forgets_who_stopped_watching() -> None:
    hub, notebook = Hub(), Notebook()
    hub.watch(DEVICE, notebook)
    hub.unwatch(DEVICE, notebook)
    hub.unwatch(OTHER, notebook)

    hub.readings([(TENANT, DEVICE, 1, {"a": 1})])

    assert notebook.seen == []
    assert hub.watched == 0


def test_a_broken_watcher_does_not_blind_the_others(caplog: pytest.LogCaptureFixture) -> None:
    hub, notebook = Hub(), Notebook()
    hub.watch(DEVICE, Broken())
    hub.watch(DEVICE, notebook)

    hub.readings([(TENANT, DEVICE, 1, {"a": 1})])

    assert notebook.seen == [(DEVICE, 1, {"a": 1})]
    assert "a watcher failed" in caplog.text


def test_a_watcher_may_leave_while_it_is_told() -> None:
    hub = Hub()

    class Leaving(Notebook):
        def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
            hub.unwatch(entity, self)

    hub.watch(DEVICE, Leaving())
    hub.watch(DEVICE, Leaving())

    hub.readings([(TENANT, DEVICE, 1, {"a": 1})])

    assert hub.watched == 0
