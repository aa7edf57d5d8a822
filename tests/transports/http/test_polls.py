"""Waiting for news."""

import asyncio

from fieldline.ingest.session import RpcRequest
from fieldline.transports.http.polls import Poll


async def test_news_in_the_last_moment_is_not_lost() -> None:
    poll = Poll()
    asyncio.get_running_loop().call_soon(poll.on_rpc, RpcRequest(7, "open", 1))

    assert await poll.wait(0) == {"id": 7, "method": "open", "params": 1}
