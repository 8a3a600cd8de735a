"""Packets and register values as bytes.

    instruction   FF FF id length instruction parameters... checksum
    status        FF FF id length error       data...       checksum

`length` counts what follows it; `checksum` is the inverted low byte of the sum of everything between header and checksum.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

from attrs import frozen

from hilt_motor_feetech.table import Register

HEADER = b"\xff\xff"
BROADCAST = 0xFE
OVERHEAD = 6
"""Bytes of a packet without parameters."""


class Instruction(IntEnum):
    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


@frozen
class Packet:
    """code: the instruction, or in a status packet the error bits."""

    id: int
    code: int
    data: bytes


def checksum(body: bytes | bytearray | memoryview) -> int:
    """Of everything between header and checksum."""
    return ~sum(body) & 0xFF


def packet(id: int, code: int, data: bytes = b"") -> bytes:
    body = bytes((id, len(data) + 2, code)) + data
    return HEADER + body + bytes((checksum(body),))


def take_packets(buffer: bytearray) -> Iterator[Packet]:
    """Remove whole packets, and whatever cannot be part of one, from the front of `buffer`.

    What stays in the buffer is the beginning of a packet.
    """
    while (start := buffer.find(HEADER)) >= 0:
        del buffer[:start]
        while len(buffer) > 2 and buffer[2] == 0xFF:
            del buffer[0]
        if len(buffer) < OVERHEAD:
            return
        length = buffer[3]
        if length < 2:
            del buffer[:2]
            continue
        if len(buffer) < length + 4:
            return
        if checksum(buffer[2 : length + 3]) != buffer[length + 3]:
            del buffer[:2]
            continue
        found = Packet(buffer[2], buffer[4], bytes(buffer[5 : length + 3]))
        del buffer[: length + 4]
        yield found
    del buffer[: len(buffer) - buffer.endswith(b"\xff")]


def to_raw(register: Register, value: int) -> int:
    """A value as the unsigned number in the register. Raises ValueError if it does not fit."""
    lowest = 0 if register.sign_bit is None else -register.largest
    if not lowest <= value <= register.largest:
        raise ValueError(f"{register.name}: {value} does not fit, {lowest} to {register.largest} does")
    if register.sign_bit is None or value >= 0:
        return value
    return -value | 1 << register.sign_bit


def from_raw(register: Register, raw: int) -> int:
    if register.sign_bit is None:
        return raw
    sign = 1 << register.sign_bit
    return -(raw & sign - 1) if raw & sign else raw & sign - 1


def encode(register: Register, value: int) -> bytes:
    return to_raw(register, value).to_bytes(register.size, register.order)


def decode(register: Register, data: bytes | bytearray | memoryview) -> int:
    return from_raw(register, int.from_bytes(data, register.order))


def sync_read(register: Register, ids: Sequence[int]) -> bytes:
    """A request that every listed servo answers, in this order."""
    return packet(BROADCAST, Instruction.SYNC_READ, bytes((register.address, register.size, *ids)))


def sync_write(register: Register, values: Mapping[int, int]) -> bytes:
    """One value each for several servos; none of them answers."""
    data = b"".join(bytes((id,)) + encode(register, value) for id, value in values.items())
    return packet(BROADCAST, Instruction.SYNC_WRITE, bytes((register.address, register.size)) + data)
