"""Commands to devices, which cannot be sent yet."""

from tests.rules.support import TAPS, World, graph, message_of

RPC = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"


async def test_follows_failure() -> None:
    world = World()
    world.graphs = [
        graph({"rpc": (RPC, {}), "failed": ("test.Tap", {})}, [("rpc", "Failure", "failed")])
    ]
    await world.ready()
    message, receipt = message_of({"method": "reboot", "params": {}})

    world.publish(message)

    assert len(TAPS["failed"].seen) == 1
    assert receipt.is_done
    await world.stop()


async def test_the_reason_is_recorded() -> None:
    world = World()
    world.graphs = [graph({"rpc": (RPC, {})}, [])]
    await world.ready()

    world.publish(message_of({"method": "reboot", "params": {}})[0])

    last = world.engine.failures.last(world.graphs[0].nodes[0].id)
    assert last[-1].reason == "device RPC is not available"
    await world.stop()
