"""What can be wrong with an integration."""

from fieldline.kit.errors import Conflict, Invalid, NotFound


class IntegrationNotFound(NotFound):
    """There is no such integration in the tenant."""

    def __init__(self, integration_id: object) -> None:
        super().__init__(f"Integration with id [{integration_id}] is not found")


class NameTaken(Conflict):
    """The tenant has an integration of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Integration with name '{name}' already exists; choose another name")


class SessionTaken(Conflict):
    """Another integration of the tenant uses the broker's session."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Integration '{name}' connects to this host and port with the same client_id; two of "
            "them would take the session from each other, so choose another client_id"
        )


class InvalidIntegration(Invalid):
    """A field makes no sense."""


class ConversionFailed(Invalid):
    """A message holds no reading, as far as the converter can tell."""
