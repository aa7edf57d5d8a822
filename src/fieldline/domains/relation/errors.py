"""What can be wrong with a relation."""

from fieldline.kit.errors import Invalid, NotFound, StaleVersion


class RelationNotFound(NotFound):
    """There is no such relation."""

    def __init__(self) -> None:
        super().__init__("Requested item wasn't found!")


class InvalidRelation(Invalid):
    """The relation is not what it must be."""


class StaleRelation(StaleVersion):
    """Somebody else saved the relation in between."""

    def __init__(self) -> None:
        super().__init__("Relation was already changed by someone else; read it again and retry")
