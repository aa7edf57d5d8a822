"""Errors of commands to devices."""

from fieldline.kit.errors import NotFound


class RpcNotFound(NotFound):
    """There is no such kept command."""

    def __init__(self, rpc_id: object) -> None:
        super().__init__(f"RPC with id [{rpc_id}] is not found")
