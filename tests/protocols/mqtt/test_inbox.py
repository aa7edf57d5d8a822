"""The inbox against a server that follows the standard and loses connections."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fieldline.protocols.mqtt.inbox import Inbox, Incoming


class Session(RuleBasedStateMachine):
    """A server sends numbered messages; each must be stored once and be answered only then."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox()
        self.sent: dict[int, tuple[int, int]] = {}
        self.released: set[int] = set()
        self.here: list[int] = []
        self.open: dict[int, Incoming] = {}
        self.taken: list[int] = []
        self.stored: set[int] = set()
        self.number = 0

    @precondition(lambda self: len(self.sent) < 5)
    @rule(qos=st.sampled_from([1, 2]))
    def send(self, qos: int) -> None:
        packet_id = next(each for each in range(1, 7) if each not in self.sent)
        self.number += 1
        self.sent[packet_id] = (self.number, qos)
        self.here.append(packet_id)
        self._take(packet_id, dup=False)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def store(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.open)))
        self.stored.add(number)
        self.inbox.stored(self.open.pop(number))

    @rule()
    def answer(self) -> None:
        for message in self.inbox.answers():
            packet_id = message.packet_id
            number, qos = self.sent[packet_id]
            assert number in self.stored
            assert packet_id == self.here.pop(0), "not in the order of the messages"
            if qos == 1:
                del self.sent[packet_id]
            else:
                self.released.add(packet_id)

    @precondition(lambda self: self.released)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.released)))
        self.released.remove(packet_id)
        del self.sent[packet_id]
        assert self.inbox.release(packet_id)

    @rule()
    def reconnect(self) -> None:
        self.inbox.connected(session_present=True)
        self.here = [each for each in self.sent if each not in self.released]
        for packet_id in self.here:
            self._take(packet_id, dup=True)

    @rule(data=st.data())
    def stop_and_start_again(self, data: st.DataObject) -> None:
        waiting = data.draw(st.sets(st.sampled_from(sorted(self.open)))) if self.open else set()
        for number in waiting:
            self.inbox.forget(self.open.pop(number))
            self.taken.remove(number)
        self.reconnect()

    @rule()
    def lose_the_session(self) -> None:
        self.inbox.connected(session_present=False)
        self.sent.clear()
        self.released.clear()
        self.here.clear()

    @invariant()
    def no_message_is_taken_twice(self) -> None:
        assert len(self.taken) == len(set(self.taken))

    @invariant()
    def holds_what_the_server_holds(self) -> None:
        assert len(self.inbox) == len(self.sent)

    def _take(self, packet_id: int, *, dup: bool) -> None:
        number, qos = self.sent[packet_id]
        message = self.inbox.take(packet_id, qos, dup=dup)
        assert (message is None) == (number in self.taken)
        if message is not None:
            self.taken.append(number)
            self.open[number] = message


TestSession = Session.TestCase


def test_a_message_that_is_released_before_its_answer_can_be_forgotten() -> None:
    inbox = Inbox()
    message = inbox.take(5, 2, dup=False)
    assert message is not None

    assert inbox.release(5)
    inbox.forget(message)

    assert (len(inbox), inbox.unanswered) == (0, 0)
    assert inbox.take(5, 2, dup=False) is not None
