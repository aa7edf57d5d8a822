import pytest

from fieldline.kit import errors as kinds
from fieldline.kit.errors import FieldlineError
from fieldline.protocols.mqtt.packets import Connect
from fieldline.protocols.mqtt.reason_codes import (
    CONNACK_CODES,
    DISCONNECT_CODES,
    PUBACK_CODES,
    ReasonCode,
)
from fieldline.transports.mqtt.errors import of_connect, of_publish

KINDS = [kind for kind in FieldlineError.__subclasses__() if kind.__module__ == kinds.__name__]


def make(kind: type[FieldlineError]) -> FieldlineError:
    return kind("what was wrong")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_answer_to_a_publish(kind: type[FieldlineError]) -> None:
    verdict = of_publish(make(kind))

    assert verdict.code is not ReasonCode.UNSPECIFIED_ERROR
    assert verdict.code in DISCONNECT_CODES
    assert verdict.is_fatal or verdict.code in PUBACK_CODES


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_answer_to_a_connect(kind: type[FieldlineError]) -> None:
    code = of_connect(make(kind), Connect("c"), has_certificate=False)

    assert code in CONNACK_CODES


def test_a_special_kind_is_answered_like_its_parent() -> None:
    error = kinds.LimitReached("too many", entity_type="DEVICE", limit=1)

    assert of_publish(error) == of_publish(kinds.Forbidden("no"))
