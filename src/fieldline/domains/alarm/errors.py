"""What can be wrong with an alarm."""

from uuid import UUID

from fieldline.kit.errors import Invalid, NotFound


class AlarmNotFound(NotFound):
    def __init__(self, alarm_id: UUID) -> None:
        super().__init__(f"Alarm with id [{alarm_id}] is not found")


class AlreadyAcknowledged(Invalid):
    def __init__(self) -> None:
        super().__init__("Alarm was already acknowledged!")


class AlreadyCleared(Invalid):
    def __init__(self) -> None:
        super().__init__("Alarm was already cleared!")
