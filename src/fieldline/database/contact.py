"""The address columns that tenants and customers share."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

CONTACT_FIELDS = ("country", "state", "city", "address", "address2", "zip", "phone", "email")


class Contact:
    """Mixin: how to reach somebody."""

    country: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str | None] = mapped_column(String(255))
    city: Mapped[str | None] = mapped_column(String(255))
    address: Mapped[str | None]
    address2: Mapped[str | None]
    zip: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(255))
