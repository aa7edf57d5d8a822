"""Action: send a command to a device."""

from functools import partial
from typing import Any
from uuid import UUID

from pydantic import Field

from fieldline.domains.rpc.command import MAX_RETRIES, Answer, Command
from fieldline.domains.rpc.events import RpcAnswered
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType, new_id
from fieldline.kit.json import loads
from fieldline.messaging.message import Message, MessageType
from fieldline.messaging.receipt import unattended
from fieldline.rules.node import FAILURE, SUCCESS, Context, Node, NodeConfig, Outcome

_MAX_NUMBER = 2**53
"""The largest number that every JSON reader takes; SQL has no much larger ones."""


class Config(NodeConfig):
    """How long the device has to answer."""

    timeout_in_seconds: int = Field(default=60, ge=0, description="Seconds to wait for an answer.")


class RpcCallRequest(Node[Config]):
    """Send the message's method and params to its originator, a device, as an RPC.

    The message ends here. Another one of its type follows Success with the device's answer ({} for
    a one-way call), or Failure with {"error": "TIMEOUT"} or "NO_ACTIVE_CONNECTION". Metadata may
    say more: oneway, persistent (kept until it is done; the answer is {"rpcId": ...}), requestUUID,
    expirationTime (ms), retries. A request that came by REST is answered too.

    Example: a message {"method": "reboot", "params": {}} of a device that answers {"ok": true}
    goes on as {"ok": true}.
    """

    name = "rpc call request"
    type = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"
    icon = "call_made"
    form = "tbActionNodeRpcRequestConfig"

    def process(self, message: Message, context: Context) -> Outcome:
        command = self._command(message, context)
        context.services.downlink.send_rpc(command, partial(_go_on, message, context, command.id))
        return []

    def _command(self, message: Message, context: Context) -> Command:
        if message.originator.type is not EntityType.DEVICE:
            raise Invalid("The originator of the message is not a device")
        data, metadata = message.data, message.metadata
        if not isinstance(data, dict) or not isinstance(data.get("method"), str):
            raise Invalid("The message has no 'method', a text: the name of what is to be done")
        if "params" not in data:
            raise Invalid("The message has no 'params', any JSON")
        expires_ms = _number(metadata, "expirationTime")
        if expires_ms is None:
            expires_ms = context.services.clock.now_ms() + self.config.timeout_in_seconds * 1000
        retries = _number(metadata, "retries")
        return Command(
            id=_request_id(metadata.get("requestUUID")),
            tenant_id=message.tenant_id,
            device_id=message.originator.id,
            method=data["method"],
            params=data["params"],
            expires_ms=expires_ms,
            is_oneway=metadata.get("oneway") == "true",
            is_persistent=metadata.get("persistent") == "true",
            retries=MAX_RETRIES if retries is None else max(0, min(retries, MAX_RETRIES)),
            additional_info=data.get("additionalInfo"),
        )


def _go_on(message: Message, context: Context, request_id: UUID, answer: Answer) -> None:
    """Tell what became of the command: to the rest of the chain, and to who asked by REST."""
    if message.type == MessageType.RPC_CALL_FROM_SERVER_TO_DEVICE:
        context.services.bus.emit(RpcAnswered(message.tenant_id, request_id, answer))
    following = message.copy()
    following.data = _data(answer)
    following.receipt = unattended()  # the message that came is acknowledged
    context.proceed(SUCCESS if answer.error is None else FAILURE, following)


def _data(answer: Answer) -> Any:  # noqa: ANN401 - JSON is any of its types
    if answer.error is not None:
        return {"error": answer.error.value}
    if answer.response is None:
        return {}
    try:
        return loads(answer.response)
    except ValueError:
        return answer.response


def _number(metadata: dict[str, str], key: str) -> int | None:
    text = metadata.get(key)
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        msg = f"The metadata '{key}' is not a whole number: '{text[:40]}'"
        raise Invalid(msg) from None
    if abs(number) > _MAX_NUMBER:
        msg = f"The metadata '{key}' is larger than 2^53: '{text[:40]}'"
        raise Invalid(msg)
    return number


def _request_id(text: str | None) -> UUID:
    if not text:
        return new_id()
    try:
        return UUID(text)
    except ValueError:
        msg = f"The metadata 'requestUUID' is not a UUID: '{text[:40]}'"
        raise Invalid(msg) from None
