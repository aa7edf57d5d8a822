"""What can be wrong with a calculated field."""

from uuid import UUID

from fieldline.kit.errors import Conflict, NotFound


class FieldNotFound(NotFound):
    def __init__(self, field_id: UUID) -> None:
        super().__init__(f"Calculated field with id [{field_id}] is not found")


class NameTaken(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"An alarm rule with the name '{name}' already exists for this entity!")
