"""What servos say of themselves, in words: the error bits that come with every answer, and what is read now and then."""

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field, frozen


@frozen
class Trouble:
    """name: what it is called. advice: what a person does about it."""

    name: str
    advice: str


VOLTAGE, ANGLE, OVERHEATED, OVERCURRENT, OVERLOAD = 0x01, 0x02, 0x04, 0x08, 0x20

TROUBLES: Mapping[int, Trouble] = {
    VOLTAGE: Trouble("voltage", "the power supply is too weak, or of the wrong voltage for this motor"),
    ANGLE: Trouble("angle sensor", "the encoder is damaged: replace the motor"),
    OVERHEATED: Trouble("overheated", "it has let go, or will: support the arm and let it cool"),
    OVERCURRENT: Trouble("overcurrent", "it is blocked: free the joint"),
    OVERLOAD: Trouble("overload", "it is blocked or holds too much, and pushes with less force now: take the load off"),
}
"""The error bits of a status packet, which are those of the register Status as well."""

WARM_C = 60
"""From here on the operator is told: at the factory's Max_Temperature_Limit, 70, a servo lets go by itself."""
COOL_C = 55
"""Below it, a motor that was warm is well again."""

_SHOWN_NS = 2_000_000_000
"""For how long something is told after it was last seen: what comes and goes is told once."""


def troubles(bits: int) -> tuple[Trouble, ...]:
    """What error bits mean; a bit that Feetech gives no meaning is told as its number."""
    known = tuple(trouble for bit, trouble in TROUBLES.items() if bits & bit)
    rest = bits & ~sum(TROUBLES)
    return (*known, Trouble(f"error 0x{rest:02x}", "unknown to Feetech's manual")) if rest else known


@define
class Health:
    """The warnings of one arm, by motor. Times are monotonic ns."""

    _seen: dict[tuple[str, int], int] = field(factory=dict)
    _warm: dict[str, bool] = field(factory=dict)
    _said: dict[str, str] = field(factory=dict)

    def note_errors(self, errors: Mapping[str, int], now_ns: int) -> None:
        """errors: the error bits of each motor, as of now."""
        for motor, bits in errors.items():
            if bits:
                self._seen[motor, bits] = now_ns

    def note_temperatures(self, degrees: Mapping[str, int | None]) -> None:
        """degrees: by motor, in degrees Celsius, None where there was no answer."""
        for motor, each in degrees.items():
            if each is not None:
                self._warm[motor] = each >= (COOL_C if self._warm.get(motor) else WARM_C)

    def say(self, motor: str, what: str) -> None:
        """Tell this of a motor as well, until it is "" again."""
        self._said[motor] = what

    def is_warm(self, motor: str) -> bool:
        return self._warm.get(motor, False)

    def warnings(self, motors: Iterable[str], now_ns: int) -> tuple[str, ...]:
        """One line for each thing that is the matter with a motor. What is not seen any more leaves after a while."""
        if self._seen:
            self._seen = {key: at for key, at in self._seen.items() if now_ns - at < _SHOWN_NS}
        return tuple(f"{motor}: {what}" for motor in motors for what in self._of(motor))

    def _of(self, motor: str) -> Iterator[str]:
        bits = 0
        for named, seen in self._seen:
            bits |= seen if named == motor else 0
        yield from (f"{each.name} ({each.advice})" for each in troubles(bits))
        if self.is_warm(motor) and not bits & OVERHEATED:
            yield f"hot, {WARM_C} degrees C or more (let it rest; at its limit it lets go)"
        if said := self._said.get(motor):
            yield said
