"""The numbers by which devices know their commands: counted up from 0, per device.

They are remembered in memory alone. After a restart they are counted from 0 again, but for devices
that may yet answer what they were sent before: those begin anywhere, so that no such answer fits
another command.
"""

import secrets
from collections.abc import Container
from uuid import UUID

from fieldline.domains.rpc.command import Command
from fieldline.kit.lru import Lru

_DEVICES = 100_000
"""Devices of which the last number is remembered, so that late answers fit nothing."""
_FORMER = 20_000
"""Kept commands of which the number is remembered while their device is away."""
_MAX_NUMBER = 2**31 - 1
_FIRST_AFTER = 2**29
"""The least number with which a device begins that was sent commands before a restart."""


class CommandNumbers:
    """See the module's text."""

    def __init__(self) -> None:
        self._next: Lru[UUID, int] = Lru(_DEVICES)
        self._former: Lru[UUID, int] = Lru(_FORMER)
        self._answerable: Lru[tuple[UUID, int], UUID] = Lru(_FORMER)

    def skip_former(self, device_id: UUID) -> None:
        """Note that a device may know commands by numbers that are not remembered."""
        if self._next.get(device_id) is None:
            self._next.put(device_id, _FIRST_AFTER + secrets.randbelow(_FIRST_AFTER))

    def of(self, command: Command, taken: Container[int]) -> int:
        """Return the number that a command had before, or else the device's next.

        Args:
            command: what is sent.
            taken: numbers of the device's other commands.
        """
        number = self._former.pop(command.id)
        if number is not None and number not in taken:
            self._answerable.pop((command.device_id, number))
            return number
        number = self._next.get(command.device_id) or 0
        while number in taken:
            number = (number + 1) & _MAX_NUMBER
        self._next.put(command.device_id, (number + 1) & _MAX_NUMBER)
        return number

    def leave(self, command: Command, number: int) -> None:
        """Remember the number of a kept command whose device left."""
        self._former.put(command.id, number)
        if not command.is_oneway:
            self._answerable.put((command.device_id, number), command.id)

    def take_answer(self, device_id: UUID, number: int) -> UUID | None:
        """Return the kept command that a device which left answers, once."""
        return self._answerable.pop((device_id, number))
