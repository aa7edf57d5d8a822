"""What a client owes a server for the messages of a session, over all of its connections.

A message of QoS 1 or 2 is answered (PUBACK, PUBREC) when it is stored, and in the order in which
the messages came. The server sends again, on a new connection, what it has no answer for: such a
message is known here by its packet id, so that it is stored only once while this object lives.
Source: OASIS MQTT 5.0 sections 4.3, 4.4 and 4.6; the same in MQTT 3.1.1.
"""

from collections import deque
from collections.abc import Callable


class Incoming:
    """A message that is not finished; ``is_stored`` is set by :meth:`Inbox.stored`."""

    __slots__ = ("is_here", "is_stored", "packet_id", "qos")

    def __init__(self, packet_id: int, qos: int) -> None:
        self.packet_id = packet_id
        self.qos = qos
        self.is_stored = False
        self.is_here = True
        """Whether it waits for its answer on the connection that there is now."""


class Inbox:
    """The unfinished messages of one session.

    Attributes:
        on_answers: called when :meth:`answers` has something, by :meth:`stored`.
    """

    def __init__(self) -> None:
        self.on_answers: Callable[[], None] = _nothing
        self._open: dict[int, Incoming] = {}
        self._unanswered: deque[Incoming] = deque()

    def __len__(self) -> int:
        """How many are not finished."""
        return len(self._open)

    @property
    def unanswered(self) -> int:
        """How many wait for their answer on this connection."""
        return len(self._unanswered)

    def connected(self, *, session_present: bool) -> None:
        """Begin a connection; a server that has no session has forgotten the old messages."""
        self.disconnected()
        if not session_present:
            self._open.clear()

    def disconnected(self) -> None:
        """End a connection: what was not answered comes again."""
        for message in self._unanswered:
            message.is_here = False
        self._unanswered.clear()

    def take(self, packet_id: int, qos: int, *, dup: bool) -> Incoming | None:
        """Take a PUBLISH in; None: it is known already, and answered when its turn comes."""
        known = self._open.get(packet_id)
        # A QoS 1 id without DUP is a new message; a QoS 2 id is in use until its PUBREL.
        if known is not None and known.qos == qos and (dup or qos == 2):
            if not known.is_here:
                known.is_here = True
                self._unanswered.append(known)
            return None
        if known is not None and known.is_here:
            self._unanswered.remove(known)
            known.is_here = False
        message = self._open[packet_id] = Incoming(packet_id, qos)
        self._unanswered.append(message)
        return message

    def stored(self, message: Incoming) -> None:
        """Note that a message is stored."""
        message.is_stored = True
        if self._unanswered and self._unanswered[0].is_stored:
            self.on_answers()

    def forget(self, message: Incoming) -> None:
        """Forget a message that will not be stored: one that comes again is a new one."""
        if self._open.get(message.packet_id) is message:
            del self._open[message.packet_id]
        if message.is_here:
            self._unanswered.remove(message)
            message.is_here = False

    def answers(self) -> list[Incoming]:
        """Return the messages that are to be answered now; what QoS 1 then is finished."""
        found = []
        unanswered = self._unanswered
        while unanswered and unanswered[0].is_stored:
            message = unanswered.popleft()
            message.is_here = False
            if message.qos == 1:
                del self._open[message.packet_id]
            found.append(message)
        return found

    def release(self, packet_id: int) -> bool:
        """Finish a message of QoS 2 on its PUBREL; False: there is none."""
        message = self._open.get(packet_id)
        if message is None or message.qos != 2:
            return False
        if message.is_here:
            self._unanswered.remove(message)
            message.is_here = False
        del self._open[packet_id]
        return True


def _nothing() -> None:
    """Tell nobody."""
