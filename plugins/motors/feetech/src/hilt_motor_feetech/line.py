"""What may still be under way on the wire when a new question is asked.

An answer does not say what it answers. One that comes after its question was given up would be taken for the answer to the
next question: a temperature for a voltage, a torque limit for a position. After a question that was not answered in full, a
motor is therefore pinged before the next one is asked. Whatever was under way comes before its answer, which is also the only
one that has no data.
"""

import time
from collections.abc import Iterable
from itertools import cycle

from hilt_motor_feetech import codec
from hilt_motor_feetech.port import Port

_SHORTEST_NS = 300_000
"""No motor answers in less."""


class Line:
    """spoke: id of the motor that has answered last, if any has."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.spoke: int | None = None
        self._doubtful = True

    def gave_up(self) -> None:
        """Somebody has asked for more than has come."""
        self._doubtful = True

    def clear(self, ids: Iterable[int], until_ns: int, longest_ns: int) -> bool:
        """Make sure that nothing is under way; at once where nothing can be. False if none of these motors answers in time.

        They are asked in turn, the one that has answered last before the others, and each for half of the time that is left,
        `longest_ns` at most: the other half is for the question.
        """
        if not self._doubtful:
            return True
        for id in cycle(sorted(ids, key=lambda id: id != self.spoke)):
            now = time.monotonic_ns()
            patience_ns = min((until_ns - now) // 2, longest_ns)
            if patience_ns < _SHORTEST_NS:
                return False
            if self._ping(id, now + patience_ns):
                self.spoke, self._doubtful = id, False
                return True
        return False

    def _ping(self, id: int, until_ns: int) -> bool:
        self.port.write(codec.packet(id, codec.Instruction.PING))
        buffer = bytearray()
        while self.port.read_into(buffer, until_ns):
            if any(packet.id == id and not packet.data for packet in codec.take_packets(buffer)):
                return True
        return False
