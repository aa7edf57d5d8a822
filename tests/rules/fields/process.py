"""The parts of one server process that alarm rules need; made twice, it is a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.status import AlarmFilter
from fieldline.domains.calculated_field import service as field_service
from fieldline.domains.calculated_field.configuration import AlarmConfiguration
from fieldline.domains.telemetry.submitted import Submitted
from fieldline.kit.ids import EntityRef
from fieldline.kit.paging import PageRequest
from fieldline.kit.values import Value
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.rules.fields.evaluator import MAX_ENTITIES, FieldsEvaluator
from fieldline.rules.fields.loader import Loader
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Scope
from fieldline.timeseries.writer import TimeseriesWriter
from tests.domains.alarm.world import World


class Process:
    """Saves values as a save node does, and notes what is acknowledged and told."""

    def __init__(self, world: World, store: MemoryStore, max_entities: int) -> None:
        self.world = world
        self.store = store
        self.writer = TimeseriesWriter(
            store, world.clock, on_readings=_ignore, on_attributes=_ignore
        )
        loader = Loader(world.database, store, self.writer.flush)
        self.evaluator = FieldsEvaluator(
            loader, world.alarms, world.bus, world.clock, max_entities=max_entities
        )
        self.messages: list[Message] = []
        self.acknowledged: list[int] = []
        world.bus.consume(self._take)

    def send(
        self, device: EntityRef, ts_ms: int, profile_id: UUID | None = None, **values: Value
    ) -> None:
        receipt = Receipt(lambda _receipt: self.acknowledged.append(ts_ms))
        receipt.hold()

        def then() -> None:
            self.writer.save_readings(
                self.world.tenant_id, device, ts_ms, values, lambda _error: receipt.release()
            )

        tenant_id = self.world.tenant_id
        submitted = Submitted(tenant_id, device, profile_id, None, ts_ms, values, receipt)
        self.evaluator.submit(submitted, then)
        receipt.release()

    def set(self, device: EntityRef, scope: Scope = Scope.SERVER, **values: Value) -> None:
        receipt = Receipt(lambda _receipt: None)

        def then() -> None:
            self.writer.save_attributes(self.world.tenant_id, device, scope, values)

        now_ms = self.world.clock.now_ms()
        tenant_id = self.world.tenant_id
        submitted = Submitted(tenant_id, device, None, scope, now_ms, values, receipt)
        self.evaluator.submit(submitted, then)
        receipt.release()

    async def settle(self, count: int) -> None:
        """Wait until so many readings are acknowledged."""
        await self.evaluator.flush()
        await self.writer.flush()
        assert len(self.acknowledged) == count

    def _take(self, message: Message) -> None:
        self.messages.append(message)
        message.receipt.release()


@asynccontextmanager
async def running(
    world: World, store: MemoryStore, max_entities: int = MAX_ENTITIES
) -> AsyncIterator[Process]:
    process = Process(world, store, max_entities)
    process.writer.start()
    await process.evaluator.start()
    yield process
    await process.evaluator.stop()
    await process.writer.stop()


async def add_rule(
    world: World, entity: EntityRef, rules: AlarmConfiguration, name: str = "Alarm"
) -> UUID:
    fields = field_service.AlarmRuleFields(entity, name, rules)
    async with world.database.write() as session:
        return (await field_service.create(session, world.admin, fields)).id


async def alarms_of(world: World, device: EntityRef) -> list[Alarm]:
    by_start = PageRequest(limit=10_000, sort="start_ts", descending=False)
    async with world.database.read() as session:
        wanted = AlarmFilter(originator_id=device.id)
        return (await alarm_service.page(session, world.admin, wanted, by_start)).items


def _ignore(*_told: object) -> None:
    """Nobody subscribes."""
