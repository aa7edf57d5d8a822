"""What happens to commands, for others in the platform."""

from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.rpc.command import Answer, Command


@dataclass(frozen=True, slots=True)
class RpcAnswered:
    """Whoever of a tenant asked for a command, by the request's id, is answered."""

    tenant_id: UUID
    request_id: UUID
    answer: Answer


@dataclass(frozen=True, slots=True)
class RpcKept:
    """The platform itself kept a command: it is to be sent."""

    command: Command


@dataclass(frozen=True, slots=True)
class RpcDeleted:
    """A kept command was deleted: it is not to be sent any more."""

    device_id: UUID
    rpc_id: UUID
