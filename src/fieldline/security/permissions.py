"""The one place where it is decided who may do what.

Every service asks :func:`check` before it hands out or changes something. The rules are those of
ThingsBoard: a tenant administrator may do everything in the own tenant, a customer user what the
tables below say of things of the own customer, a system administrator manages tenants and their
administrators and sees nothing of what is inside.
"""

from enum import StrEnum
from uuid import UUID

from fieldline.kit.errors import Forbidden, NotFound
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Authority, Caller

DENIED = "You don't have permission to perform this operation!"


class Operation(StrEnum):
    """What a caller wants to do to a thing."""

    CREATE = "CREATE"
    READ = "READ"
    WRITE = "WRITE"
    DELETE = "DELETE"
    ASSIGN = "ASSIGN"
    READ_CREDENTIALS = "READ_CREDENTIALS"
    WRITE_CREDENTIALS = "WRITE_CREDENTIALS"
    READ_ATTRIBUTES = "READ_ATTRIBUTES"
    WRITE_ATTRIBUTES = "WRITE_ATTRIBUTES"
    READ_TELEMETRY = "READ_TELEMETRY"
    WRITE_TELEMETRY = "WRITE_TELEMETRY"
    RPC_CALL = "RPC_CALL"
    CLAIM = "CLAIM"


_READ_ONLY = frozenset({Operation.READ, Operation.READ_ATTRIBUTES, Operation.READ_TELEMETRY})
_THING = _READ_ONLY | {
    Operation.WRITE,
    Operation.READ_CREDENTIALS,
    Operation.WRITE_ATTRIBUTES,
    Operation.WRITE_TELEMETRY,
    Operation.RPC_CALL,
}
_ALL = frozenset(Operation)

CUSTOMER_MAY: dict[EntityType, frozenset[Operation]] = {
    EntityType.DEVICE: _THING,
    EntityType.ASSET: _THING,
    EntityType.ENTITY_VIEW: _THING,
    EntityType.CUSTOMER: _READ_ONLY,
    EntityType.DASHBOARD: _READ_ONLY,
    EntityType.ALARM: _ALL,
    EntityType.USER: frozenset({Operation.READ}),
}
"""What a customer user may do to things of the own customer."""

CUSTOMER_MAY_IN_TENANT: dict[EntityType, frozenset[Operation]] = {
    EntityType.DEVICE: frozenset({Operation.CLAIM}),
    EntityType.DEVICE_PROFILE: frozenset({Operation.READ}),
    EntityType.ASSET_PROFILE: frozenset({Operation.READ}),
    EntityType.RPC: frozenset({Operation.READ}),
    EntityType.OTA_PACKAGE: frozenset({Operation.READ}),
}
"""What a customer user may do to things that belong to the whole tenant."""

NOT_PUBLIC = frozenset({EntityType.USER, EntityType.OTA_PACKAGE})
"""What the public log-in never sees."""

SYS_ADMIN_MAY: dict[EntityType, frozenset[Operation]] = {
    EntityType.TENANT: _ALL,
    EntityType.TENANT_PROFILE: _ALL,
    EntityType.USER: _ALL,
    EntityType.QUEUE: _ALL,
}
"""What a system administrator may do; of users only tenant administrators and its own kind."""

TENANT_ADMIN_MAY: dict[EntityType, frozenset[Operation]] = {
    EntityType.TENANT: _READ_ONLY
    | {Operation.WRITE, Operation.WRITE_ATTRIBUTES, Operation.WRITE_TELEMETRY},
    EntityType.TENANT_PROFILE: frozenset({Operation.READ}),
    EntityType.QUEUE: frozenset({Operation.READ}),
}
"""Where a tenant administrator may not do everything in the own tenant."""


def check(
    caller: Caller,
    operation: Operation,
    entity_type: EntityType,
    *,
    tenant_id: UUID | None,
    customer_id: UUID | None = None,
    entity_id: UUID | None = None,
) -> None:
    """Let the caller through or raise.

    Args:
        caller: who.
        operation: does what.
        entity_type: to what kind of thing.
        tenant_id: the tenant that the thing belongs to (its own id for a tenant), None for a thing
            of the system.
        customer_id: the customer that it is assigned to (its own id for a customer), if any.
        entity_id: the thing, where "the own record" is a rule of its own (users).

    Raises:
        NotFound: a device of another tenant: its existence is not admitted.
        Forbidden: anything else that is not allowed.
    """
    if caller.authority is Authority.SYS_ADMIN:
        allowed = operation in SYS_ADMIN_MAY.get(entity_type, frozenset())
    elif tenant_id != caller.tenant_id:
        if entity_type is EntityType.DEVICE:
            raise NotFound("Device with requested id wasn't found!")
        allowed = False
    elif caller.authority is Authority.TENANT_ADMIN:
        allowed = operation in TENANT_ADMIN_MAY.get(entity_type, _ALL)
    else:
        allowed = _customer_user_may(caller, operation, entity_type, customer_id, entity_id)
    if not allowed:
        raise Forbidden(DENIED)


def tenant_of(
    caller: Caller,
    operation: Operation,
    entity_type: EntityType,
    *,
    customer_id: UUID | None = None,
) -> UUID:
    """Return the caller's tenant once it may do this there; raises as :func:`check`."""
    check(caller, operation, entity_type, tenant_id=caller.tenant_id, customer_id=customer_id)
    if caller.tenant_id is None:  # a system administrator, where the check lets one through
        raise Forbidden(DENIED)
    return caller.tenant_id


def _customer_user_may(
    caller: Caller,
    operation: Operation,
    entity_type: EntityType,
    customer_id: UUID | None,
    entity_id: UUID | None,
) -> bool:
    if caller.is_public and (entity_type in NOT_PUBLIC or operation not in _READ_ONLY):
        return False
    if operation in CUSTOMER_MAY_IN_TENANT.get(entity_type, frozenset()):
        return True
    if entity_type is EntityType.USER and entity_id == caller.user_id:
        return operation in {Operation.READ, Operation.WRITE}
    if customer_id is None or customer_id != caller.customer_id:
        return False
    return operation in CUSTOMER_MAY.get(entity_type, frozenset())
