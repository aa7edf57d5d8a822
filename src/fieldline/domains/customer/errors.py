"""What can be wrong with a customer."""

from uuid import UUID

from fieldline.kit.errors import Conflict, Invalid, NotFound


class CustomerNotFound(NotFound):
    """There is no such customer."""

    def __init__(self, customer_id: UUID) -> None:
        super().__init__(f"Customer with id [{customer_id}] is not found")


class CustomerTitleTaken(Conflict):
    """Titles of customers are unique within a tenant."""

    def __init__(self) -> None:
        super().__init__("Customer with such title already exists!")


class ReservedTitle(Invalid):
    """The public customer's title is the platform's own."""

    def __init__(self) -> None:
        super().__init__("'Public' title for customer is system reserved!")
