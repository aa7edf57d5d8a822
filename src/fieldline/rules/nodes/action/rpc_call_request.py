"""Action: send a command to a device."""

from pydantic import Field

from fieldline.kit.errors import Unavailable
from fieldline.messaging.message import Message
from fieldline.rules.node import Context, Node, NodeConfig, Outcome


class Config(NodeConfig):
    """How long the device has to answer."""

    timeout_in_seconds: int = Field(default=60, ge=0, description="Seconds to wait for an answer.")


class RpcCallRequest(Node[Config]):
    """Send the message's method and params to its originator, a device, as an RPC.

    Device RPC is not available in this version: every message follows Failure with that reason.

    Example: a message {"method": "reboot", "params": {}} follows Failure.
    """

    name = "rpc call request"
    type = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"
    icon = "call_made"
    form = "tbActionNodeRpcRequestConfig"

    def process(self, message: Message, context: Context) -> Outcome:
        del message, context
        raise Unavailable("device RPC is not available")
