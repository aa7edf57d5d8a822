"""The address fields that tenants and customers share, on ThingsBoard's wire, and their check."""

from collections.abc import Mapping
from typing import Any

from fieldline.kit.text import check_json, check_optional_text
from fieldline.rest.wire import TbModel

LIMITED = ("country", "state", "city", "zip", "phone", "email")
UNLIMITED = ("address", "address2")


class ContactFields(TbModel):
    """How to reach somebody."""

    country: str | None = None
    state: str | None = None
    city: str | None = None
    address: str | None = None
    address2: str | None = None
    zip: str | None = None
    phone: str | None = None
    email: str | None = None


def check_contact(values: Mapping[str, Any]) -> None:
    """Check the address fields and ``additional_info`` among ``values``.

    Raises:
        Invalid: one is too long or holds markup.
    """
    for field in LIMITED:
        check_optional_text(field, values.get(field))
    for field in UNLIMITED:
        check_optional_text(field, values.get(field), None)
    check_json("additionalInfo", values.get("additional_info"))
