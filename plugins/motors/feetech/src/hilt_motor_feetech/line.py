"""What may still be under way on the wire when the next question is asked.

An answer says which motor it is from, and not what it answers. One that comes after its question was given up could be taken
for that to the next one: a torque limit for a position. So nothing else is asked while something may be under way, before a
mark has come back: an answer of a length that no other has, to a question that was asked after all those in doubt. Answers
come in the order of the questions. To ask the same thing again needs no mark: whichever answer comes is true.
"""

import time
from collections import deque
from collections.abc import Iterable
from itertools import cycle

from hilt_motor_feetech import codec
from hilt_motor_feetech.port import Port

LATENCY_NS = 50_000_000
"""What a USB adapter and a busy machine may add to an answer; nobody waits longer for one attempt."""

_FIRST, _SIZES = 18, range(3, 23)
"""A mark is a read of so many bytes from this address on. Registers have one or two, and all of these are registers."""
_UNKNOWN = "what somebody else has asked"


class Line:
    """Ask between `begin`, which says whether one may, and `complete`, which says that everything has been answered."""

    def __init__(self, port: Port, ids: Iterable[int]) -> None:
        """ids: of all motors."""
        self._port = port
        self._ids = deque(ids)
        self._sizes = cycle(_SIZES)
        self._marks: set[tuple[int, int]] = set()
        self._under_way = {_UNKNOWN}
        self._alone = False

    def doubt(self) -> None:
        """Anything may be under way."""
        self._alone = False
        self._under_way.add(_UNKNOWN)

    def begin(self, what: str, until_ns: int, ask_first: int | None = None) -> bool:
        """Make sure that answers from now on are to this. False if that cannot be made sure by `until_ns`.

        ask_first: id of the motor that is asked for a mark before the others, if one is needed.
        """
        if not self._under_way <= {what} and not self._clear(until_ns, ask_first):
            return False
        self._alone = not self._under_way
        self._under_way.add(what)
        self._marks.clear()
        return True

    def complete(self) -> None:
        """All that was asked for since `begin` has come."""
        if self._alone:
            self._under_way.clear()

    def _clear(self, until_ns: int, ask_first: int | None) -> bool:
        buffer = bytearray()
        while (now := time.monotonic_ns()) < until_ns:
            id = self._ids[0] if ask_first is None else ask_first
            self._mark(id)
            if self._comes_back(buffer, min(until_ns, now + LATENCY_NS)):
                self._under_way.clear()
                return True
            if ask_first is None:
                self._ids.rotate(-1)
            ask_first = None
        return False

    def _mark(self, id: int) -> None:
        size = next(self._sizes)
        self._marks.add((id, size))
        self._port.write(codec.packet(id, codec.Instruction.READ, bytes((_FIRST, size))))

    def _comes_back(self, buffer: bytearray, until_ns: int) -> bool:
        """Whether any of the marks does: all of them were sent after what is in doubt."""
        while self._port.read_into(buffer, until_ns):
            if any((packet.id, len(packet.data)) in self._marks for packet in codec.take_packets(buffer)):
                return True
        return False
