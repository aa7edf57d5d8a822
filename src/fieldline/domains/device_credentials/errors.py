"""What can be wrong with device credentials."""

from fieldline.kit.errors import Conflict, Invalid


class CredentialsTaken(Conflict):
    """The credentials id belongs to another device, of whatever tenant."""

    def __init__(self) -> None:
        super().__init__("Device credentials are already assigned to another device!")


class InvalidCredentials(Invalid):
    """The content does not fit the kind of credentials."""
