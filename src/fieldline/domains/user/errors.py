"""What can be wrong with a user."""

from uuid import UUID

from fieldline.kit.errors import Conflict, Invalid, NotFound, Unavailable


class UserNotFound(NotFound):
    """There is no such user."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__(f"User with id [{user_id}] is not found")


class EmailNotFound(NotFound):
    """There is no user of that address that the caller manages."""

    def __init__(self) -> None:
        super().__init__("There is no user of this address among those that you manage")


class EmailTaken(Conflict):
    """E-mail addresses are unique over the whole system."""

    def __init__(self, email: str) -> None:
        super().__init__(f"User with email '{email}' already present in database!")


class InvalidUser(Invalid):
    """Its fields do not fit together."""


class AlreadyActive(Invalid):
    """There is no activation link any more."""

    def __init__(self) -> None:
        super().__init__("User is already activated!")


class BadActivationToken(Invalid):
    """It is unknown or used."""

    def __init__(self) -> None:
        super().__init__("Unable to find user credentials by activateToken; ask for a new link")


class ExpiredActivationToken(BadActivationToken):
    """It was right and is too old."""


class BadResetToken(Invalid):
    """It is unknown, used, or not the newest one."""

    def __init__(self) -> None:
        super().__init__("Invalid reset token! Ask for a new link")


class ExpiredResetToken(BadResetToken):
    """It was right and is too old."""


class NoReset(Invalid):
    """The password of this user cannot be reset."""


class MailNotSent(Unavailable):
    """An activation mail was asked for and could not be sent."""

    def __init__(self, reason: str, *, instead: str) -> None:
        super().__init__(f"Couldn't send user activation email: {reason}; {instead}")
