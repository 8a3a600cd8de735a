"""What can go wrong on the wire and in the motors."""

from random import Random

from attrs import define, field


@define
class Faults:
    """What is wrong with a chain. May be changed at any time.

    corrupt, drop: which part of the answers, 0 to 1, arrives damaged or not at all. dead: motors that do not answer.
    overloaded: motors that report an overload and push with no more than Protective_Torque.
    """

    corrupt: float = 0.0
    drop: float = 0.0
    dead: set[int] = field(factory=set)
    overloaded: set[int] = field(factory=set)
    random: Random = field(factory=lambda: Random(0))  # noqa: S311

    def deliver(self, answer: bytes) -> bytes | None:
        """The answer as it arrives, None if it does not."""
        if self.drop and self.random.random() < self.drop:
            return None
        if self.corrupt and self.random.random() < self.corrupt:
            damaged = bytearray(answer)
            damaged[self.random.randrange(2, len(damaged))] ^= 1 << self.random.randrange(8)
            return bytes(damaged)
        return answer
