"""What can be wrong with a user."""

from uuid import UUID

from fieldline.kit.errors import Conflict, Invalid, NotFound, Unavailable


class UserNotFound(NotFound):
    """There is no such user."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__(f"User with id [{user_id}] is not found")


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
    """It is unknown, used, or too old."""

    def __init__(self) -> None:
        super().__init__("Unable to find user credentials by activateToken; ask for a new link")


class MailNotSent(Unavailable):
    """An activation mail was asked for and there is no mail server."""

    def __init__(self) -> None:
        super().__init__(
            "Couldn't send user activation email: no mail server is set up; "
            "create the user with sendActivationMail=false and pass on its activation link"
        )
