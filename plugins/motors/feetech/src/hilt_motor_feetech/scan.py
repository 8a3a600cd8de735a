"""Look for servos whose id and baud rate nobody knows."""

import time
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from hilt_motor_feetech import codec
from hilt_motor_feetech.port import Port
from hilt_motor_feetech.table import BAUD_RATES, MODEL_NUMBERS, SCS, STS

SCAN_RATES: Sequence[int] = (*BAUD_RATES.values(), 14_400, 9_600, 4_800)
"""bit/s: those that the register knows, fastest first, then those of older firmware."""

_LATENCY_NS = 50_000_000
_MODEL = STS.registers["Model_Number"]


@frozen
class Found:
    """What is on the wire at one baud rate.

    models: id -> Model_Number, None for a motor whose answers come damaged. garbled: bytes came that are no answer, as
    when several motors have one id and speak at once.
    """

    baud: int
    models: Mapping[int, int | None]
    garbled: bool


def scan(port: str, rates: Iterable[int] = SCAN_RATES, ids: Iterable[int] = range(1, 9)) -> list[Found]:
    """Everybody on the bus, rate by rate; rates at which nobody speaks are left out.

    ids: whom to ask one by one besides: the SCS series answers no broadcast, and broadcast answers may hide one another.
    Moves nothing and writes nothing. Raises ConnectError, or DeviceLost when the port goes away meanwhile.
    """
    found = (_at(port, baud, tuple(ids)) for baud in rates)
    return [each for each in found if each.models or each.garbled]


def _at(port: str, baud: int, ids: Iterable[int]) -> Found:
    wire = Port(port, baud)
    wire.open()
    try:
        everybody, damaged = _ask(wire, codec.BROADCAST, codec.Instruction.PING)
        garbled = damaged and not everybody
        models: dict[int, int | None] = {}
        for id in sorted({*everybody, *ids}):
            answers, damaged = _ask(wire, id, codec.Instruction.READ, bytes((_MODEL.address, _MODEL.size)), _MODEL.size)
            models |= {who: _model(data) for who, data in answers.items()}  # an answer that comes late is of whom it says
            if id not in models and (id in everybody or damaged):
                models[id], garbled = None, garbled or damaged
        return Found(baud, models, garbled)
    finally:
        wire.close()


def _model(data: bytes) -> int:
    """The SCS series has the high byte first, and does not say so."""
    number, turned = (codec.decode(series.registers[_MODEL.name], data) for series in (STS, SCS))
    known = MODEL_NUMBERS.values()
    return turned if turned in known and number not in known else number


def _ask(wire: Port, id: int, instruction: int, data: bytes = b"", size: int = 0) -> tuple[dict[int, bytes], bool]:
    """The answers that have `size` bytes of data, by id; and whether there was anything on the wire that is no answer."""
    wire.discard()
    request = codec.packet(id, instruction, data)
    wire.write(request)
    buffer, until_ns = bytearray(), time.monotonic_ns() + _LATENCY_NS + len(request) * 2 * 10_000_000_000 // wire.baud
    answers: dict[int, bytes] = {}
    unexplained = left = 0
    while wire.read_into(buffer, until_ns):
        unexplained += len(buffer) - left
        for packet in codec.take_packets(buffer):
            unexplained -= codec.OVERHEAD + len(packet.data)
            if len(packet.data) == size:
                answers[packet.id] = packet.data
        left = len(buffer)
        if id in answers:
            break
    return answers, unexplained > 0
