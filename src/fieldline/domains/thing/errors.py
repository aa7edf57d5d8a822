"""What can be wrong with a thing; ``kind`` is ``Device`` or ``Asset``."""

from fieldline.kit.errors import Conflict, Invalid, NotFound


class ThingNotFound(NotFound):
    """There is no such thing, or it is another tenant's device."""

    def __init__(self, kind: str, thing_id: object) -> None:
        super().__init__(f"{kind} with id [{thing_id}] is not found")


class ThingNameTaken(Conflict):
    """Another thing of the kind and tenant has the name."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} with such name already exists!")


class InvalidThing(Invalid):
    """A field of the thing is not what it must be."""
