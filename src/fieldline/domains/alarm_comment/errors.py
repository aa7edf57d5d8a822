"""What can be wrong with a comment."""

from uuid import UUID

from fieldline.kit.errors import Forbidden, Invalid, NotFound


class CommentNotFound(NotFound):
    def __init__(self, comment_id: UUID) -> None:
        super().__init__(f"Alarm comment with id [{comment_id}] is not found")


class InvalidComment(Invalid):
    pass


class SystemComment(Invalid):
    def __init__(self) -> None:
        super().__init__("System comments can be neither changed nor deleted!")


class NotTheAuthor(Forbidden):
    pass
