from uuid import uuid4

import pytest

from fieldline.kit.errors import Forbidden, NotFound
from fieldline.kit.ids import NULL_UUID, EntityType
from fieldline.security.caller import Authority, Caller
from fieldline.security.permissions import Operation, check

TENANT, CUSTOMER = uuid4(), uuid4()
READING = {Operation.READ, Operation.READ_ATTRIBUTES, Operation.READ_TELEMETRY}


def may(caller: Caller, operation: Operation, entity_type: EntityType, **whose: object) -> bool:
    try:
        check(caller, operation, entity_type, **whose)  # type: ignore[arg-type]
    except (Forbidden, NotFound):
        return False
    return True


def allowed(caller: Caller, entity_type: EntityType, **whose: object) -> set[Operation]:
    return {each for each in Operation if may(caller, each, entity_type, **whose)}


@pytest.mark.parametrize("entity_type", EntityType)
def test_the_public_log_in_does_nothing_but_read(entity_type: EntityType) -> None:
    public = Caller(NULL_UUID, Authority.CUSTOMER_USER, TENANT, CUSTOMER, is_public=True)

    operations = allowed(public, entity_type, tenant_id=TENANT, customer_id=CUSTOMER)

    assert operations <= (set() if entity_type is EntityType.USER else READING)


@pytest.mark.parametrize("entity_type", EntityType)
@pytest.mark.parametrize("authority", [Authority.TENANT_ADMIN, Authority.CUSTOMER_USER])
def test_nobody_may_do_anything_in_another_tenant(
    entity_type: EntityType, authority: Authority
) -> None:
    caller = Caller(uuid4(), authority, TENANT, CUSTOMER)

    assert allowed(caller, entity_type, tenant_id=uuid4(), customer_id=CUSTOMER) == set()
    assert allowed(caller, entity_type, tenant_id=None, customer_id=CUSTOMER) == set()


def test_a_customer_user_neither_makes_nor_deletes_nor_assigns_devices() -> None:
    caller = Caller(uuid4(), Authority.CUSTOMER_USER, TENANT, CUSTOMER)

    operations = allowed(caller, EntityType.DEVICE, tenant_id=TENANT, customer_id=CUSTOMER)

    assert set(Operation) - operations == {
        Operation.CREATE,
        Operation.DELETE,
        Operation.ASSIGN,
        Operation.WRITE_CREDENTIALS,
    }
    of_others = allowed(caller, EntityType.DEVICE, tenant_id=TENANT, customer_id=uuid4())
    assert of_others == {Operation.CLAIM}


def test_a_user_may_change_the_own_record_but_not_delete_it() -> None:
    caller = Caller(uuid4(), Authority.CUSTOMER_USER, TENANT, CUSTOMER)
    own = {"tenant_id": TENANT, "customer_id": CUSTOMER, "entity_id": caller.user_id}

    assert allowed(caller, EntityType.USER, **own) == {Operation.READ, Operation.WRITE}


@pytest.mark.parametrize(
    "entity_type",
    sorted(
        set(EntityType)
        - {EntityType.TENANT, EntityType.TENANT_PROFILE, EntityType.USER, EntityType.QUEUE}
    ),
)
def test_a_system_administrator_sees_nothing_inside_a_tenant(entity_type: EntityType) -> None:
    caller = Caller(uuid4(), Authority.SYS_ADMIN)

    assert allowed(caller, entity_type, tenant_id=TENANT) == set()
