"""What can go wrong on the wire, with the supply and in the motors."""

from random import Random

from attrs import define, field

NOMINAL_VOLTS = 12.0


@define
class Faults:
    """What is wrong with a chain. May be changed at any time.

    corrupt: which part of the packets, 0 to 1, arrives damaged, in either direction. drop: which part of the answers does
    not arrive. delay_ms: how much later answers come. cut: nothing passes the wire. dead: motors that neither hear nor
    answer. overloaded: motors that meet more than they can move, whatever they do. hot: motor -> the temperature that it is
    kept at, degrees Celsius. volts: what the supply gives; below 4 V the motors are off, and start anew afterwards.
    """

    corrupt: float = 0.0
    drop: float = 0.0
    delay_ms: float = 0.0
    cut: bool = False
    dead: set[int] = field(factory=set)
    overloaded: set[int] = field(factory=set)
    hot: dict[int, float] = field(factory=dict)
    volts: float = NOMINAL_VOLTS
    random: Random = field(factory=lambda: Random(0))  # noqa: S311

    def hears(self) -> bool:
        """Whether a request arrives at the servos as it was sent: they ignore a damaged one."""
        return not self.cut and not self._damages()

    def deliver(self, answer: bytes) -> bytes | None:
        """The answer as it arrives, None if it does not."""
        if self.cut or (self.drop and self.random.random() < self.drop):
            return None
        if self._damages():
            damaged = bytearray(answer)
            damaged[self.random.randrange(2, len(damaged))] ^= 1 << self.random.randrange(8)
            return bytes(damaged)
        return answer

    def _damages(self) -> bool:
        return bool(self.corrupt) and self.random.random() < self.corrupt
