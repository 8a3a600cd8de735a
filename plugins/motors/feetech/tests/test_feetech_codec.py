"""Packets and register values as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_motor_feetech import codec
from hilt_motor_feetech.codec import Instruction, Packet
from hilt_motor_feetech.table import REGISTERS, Register

POSITION = REGISTERS["Present_Position"]
GOAL = REGISTERS["Goal_Position"]

packets = st.builds(Packet, id=st.integers(0, 0xFE), code=st.integers(0, 0x7F), data=st.binary(max_size=20))


def wire(packet: Packet) -> bytes:
    return codec.packet(packet.id, packet.code, packet.data)


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (codec.packet(1, Instruction.PING), "FF FF 01 02 01 FB"),
        (codec.packet(1, Instruction.READ, bytes((56, 2))), "FF FF 01 04 02 38 02 BE"),
        (codec.packet(1, 0, codec.encode(POSITION, 2047)), "FF FF 01 04 00 FF 07 F4"),
        (codec.packet(1, Instruction.WRITE, bytes((40, 1))), "FF FF 01 04 03 28 01 CE"),
        (codec.sync_read(POSITION, range(1, 7)), "FF FF FE 0A 82 38 02 01 02 03 04 05 06 26"),
        (codec.sync_write(GOAL, {1: 2048, 2: 1024, 3: 3000}), "FF FF FE 0D 83 2A 02 01 00 08 02 00 04 03 B8 0B 70"),
    ],
)
def test_golden_bytes(made: bytes, golden: str) -> None:
    assert made == bytes.fromhex(golden)


@pytest.mark.parametrize(("name", "value", "raw"), [("Homing_Offset", -1470, 0x0DBE), ("Goal_Position", -1, 0x8001)])
def test_golden_sign_magnitude(name: str, value: int, raw: int) -> None:
    assert codec.to_raw(REGISTERS[name], value) == raw
    assert codec.from_raw(REGISTERS[name], raw) == value


@given(st.data(), st.sampled_from(sorted(REGISTERS.values(), key=lambda row: row.address)))
def test_every_register_round_trips(data: st.DataObject, register: Register) -> None:
    lowest = 0 if register.sign_bit is None else -register.largest
    value = data.draw(st.integers(lowest, register.largest))
    assert codec.decode(register, codec.encode(register, value)) == value
    with pytest.raises(ValueError, match=register.name):
        codec.encode(register, register.largest + 1)
    with pytest.raises(ValueError, match=register.name):
        codec.encode(register, lowest - 1)


@given(st.lists(packets, max_size=5), st.integers(1, 7))
def test_packets_survive_any_split(sent: list[Packet], size: int) -> None:
    stream, buffer, received = b"".join(map(wire, sent)), bytearray(), []
    for start in range(0, len(stream), size):
        buffer += stream[start : start + size]
        received += codec.take_packets(buffer)
    assert received == sent
    assert not buffer


@given(packets, st.data())
def test_one_flipped_bit_never_gives_another_packet(packet: Packet, data: st.DataObject) -> None:
    damaged = bytearray(wire(packet))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    assert packet not in list(codec.take_packets(damaged))


@given(st.binary(max_size=10).filter(lambda noise: b"\xff" not in noise), packets)
def test_noise_before_a_packet_is_skipped(noise: bytes, packet: Packet) -> None:
    assert list(codec.take_packets(bytearray(noise + wire(packet)))) == [packet]


def test_a_damaged_packet_does_not_take_the_next_one_with_it() -> None:
    good = Packet(2, 0, b"\x01\x02")
    damaged = bytearray(wire(Packet(1, 0, b"\x05\x06")))
    damaged[-1] ^= 0x10
    assert list(codec.take_packets(damaged + wire(good))) == [good]


def test_noise_alone_is_dropped() -> None:
    buffer = bytearray(b"\x01\x02\x03")
    assert not list(codec.take_packets(buffer))
    assert not buffer
