"""What can be wrong with an entity view."""

from collections.abc import Sequence

from fieldline.kit.errors import Conflict, Invalid, NotFound


class EntityViewNotFound(NotFound):
    """There is no such entity view."""

    def __init__(self, view_id: object) -> None:
        super().__init__(f"Entity view with id [{view_id}] is not found")


class EntityViewNameTaken(Conflict):
    """Another entity view of the tenant has the name."""

    def __init__(self) -> None:
        super().__init__("Entity view with such name already exists!")


class InvalidEntityView(Invalid):
    """A field of the entity view is not what it must be."""


class TargetHasViews(Conflict):
    """An entity cannot be deleted while views show its data.

    Args:
        kind: what it is, as ``device``.
        names: of some of the views.
    """

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        views = ", ".join(f"'{name}'" for name in names)
        super().__init__(
            f"Can't delete {kind} that has entity views! Delete these first, or have them show "
            f"another entity: {views}"
        )
