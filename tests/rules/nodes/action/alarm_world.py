"""An engine whose alarms are in a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.status import AlarmFilter
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef
from fieldline.kit.paging import PageRequest
from fieldline.messaging.receipt import Receipt
from fieldline.rules.alarms import StoredAlarms
from tests.domains.alarm.world import World as Stored
from tests.domains.alarm.world import make_world
from tests.rules.support import TAP, TAPS, World, graph, message_of
from tests.waiting import until

SWITCH = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
TOLD = ("Entity Created", "Entity Updated", "Alarm Cleared")
"""What the rules are told of besides."""


@dataclass
class AlarmWorld:
    """A device, and a chain that sends its telemetry to one node."""

    rules: World
    stored: Stored
    device: EntityRef

    async def prepare(
        self, kind: str, configuration: dict[str, Any], relations: tuple[str, ...]
    ) -> None:
        """Run a node of this kind, with a tap at each relation."""
        nodes = {"switch": (SWITCH, {}), "node": (kind, configuration)}
        nodes |= dict.fromkeys((*relations, *TOLD), TAP)
        links = [("switch", "Post telemetry", "node")]
        links += [("node", relation, relation) for relation in relations]
        links += [("switch", relation, relation) for relation in TOLD]
        self.rules.graphs = [graph(nodes, links, tenant_id=self.stored.tenant_id)]
        await self.rules.ready(self.stored.tenant_id)

    def publish(self, data: object, **fields: Any) -> Receipt:
        fields = {"originator": self.device, "tenant_id": self.stored.tenant_id, **fields}
        message, receipt = message_of(data, **fields)
        self.rules.publish(message)
        return receipt

    async def send(self, data: object, **fields: Any) -> None:
        """Publish, and wait for the acknowledgement."""
        receipt = self.publish(data, **fields)
        await until(lambda: receipt.is_done)

    async def alarms(self) -> list[Any]:
        """Return the stored alarms, oldest first."""
        request = PageRequest(sort="created_time", descending=False)
        async with self.stored.database.read() as session:
            page = await alarm_service.page(session, self.stored.admin, AlarmFilter(), request)
        return page.items


def seen(name: str) -> list[Any]:
    return [message.data for message in TAPS[name].seen]


@asynccontextmanager
async def make_alarm_world(database_url: str, clock: ManualClock) -> AsyncIterator[AlarmWorld]:
    async with make_world(database_url, clock) as stored:
        rules = World(clock=clock, alarms=StoredAlarms(stored.database, stored.alarms))
        yield AlarmWorld(rules, stored, await stored.device())
        await rules.stop()
