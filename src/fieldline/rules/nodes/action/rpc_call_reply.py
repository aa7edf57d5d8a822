"""Action: answer the RPC of a device."""

from pydantic import Field

from fieldline.kit.errors import Invalid, NotFound
from fieldline.kit.ids import EntityType
from fieldline.kit.json import dumps
from fieldline.messaging.message import Message
from fieldline.rules.node import SUCCESS, Context, Node, NodeConfig, Outcome, follow

MAX_DIGITS = 18
"""Of the number of a request."""


class Config(NodeConfig):
    """Which metadata says to whom the answer goes."""

    service_id_meta_data_attribute: str = Field(
        default="serviceId", description="Metadata key of the process that the device is at."
    )
    session_id_meta_data_attribute: str = Field(
        default="sessionId", description="Metadata key of the device's session."
    )
    request_id_meta_data_attribute: str = Field(
        default="requestId", description="Metadata key of the request's number."
    )


class RpcCallReply(Node[Config]):
    """Send the message's data to its originator, a device, as the answer to its own RPC.

    Example: a device calls {"method": "getTime", "params": {}}; a script makes {"time": 1700000000}
    of the message, and this node sends that to the device.
    """

    name = "rpc call reply"
    type = "org.thingsboard.rule.engine.rpc.TbSendRPCReplyNode"
    icon = "call_merge"
    form = "tbActionNodeRpcReplyConfig"

    def process(self, message: Message, context: Context) -> Outcome:
        if message.originator.type is not EntityType.DEVICE:
            raise Invalid("The originator of the message is not a device")
        key = self.config.request_id_meta_data_attribute or "requestId"
        text = message.metadata.get(key, "")
        if not text.isdecimal() or len(text) > MAX_DIGITS:
            msg = f"The metadata '{key}' is no number of a request: '{text[:40]}'"
            raise Invalid(msg)
        if not context.services.downlink.answer_client_rpc(
            message.originator.id, int(text), dumps(message.data)
        ):
            msg = f"The device does not wait for an answer to request {int(text)} any more"
            raise NotFound(msg)
        return follow(SUCCESS, message)
