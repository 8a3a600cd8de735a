import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_input_keyboard.decoder import ESCAPE_NS, KEYS, SEQUENCE_NS, Decoder

KEY_BYTES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[H": "home",
    b"\x1b[4~": "end",
    b"\x1b[5~": "pageup",
    b"\x1b[3~": "delete",
    b"\x1bOP": "f1",
    b"\x1b[[A": "f1",
    b"\x1b[[E": "f5",
    b"\x1b[15~": "f5",
    b"\x1b[24~": "f12",
    b"\r": "enter",
    b"\n": "enter",
    b"\t": "tab",
    b" ": "space",
    b"\x7f": "backspace",
    b"\x08": "backspace",
    b"a": "a",
    b"C": "c",
    b"7": "7",
    b"?": "?",
}
pieces = st.sampled_from(sorted(KEY_BYTES))


@pytest.mark.parametrize(("data", "key"), KEY_BYTES.items())
def test_each_key_is_decoded_at_once(data: bytes, key: str) -> None:
    assert Decoder().feed(data, 0) == [key]


@given(st.lists(pieces, max_size=20), st.data())
def test_the_split_of_the_bytes_does_not_matter(typed: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(typed)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    decoder, keys = Decoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        keys += decoder.feed(stream[start:end], 0)
    assert keys == [KEY_BYTES[piece] for piece in typed]


@given(st.lists(pieces, max_size=10))
def test_byte_by_byte_with_reads_between_gives_the_same_keys(typed: list[bytes]) -> None:
    decoder, keys, now = Decoder(), [], 0
    for byte in b"".join(typed):
        keys += decoder.feed(bytes([byte]), now)
        keys += decoder.feed(b"", now + ESCAPE_NS - 1)
        now += ESCAPE_NS - 1
    assert keys == [KEY_BYTES[piece] for piece in typed]


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_any_bytes_give_known_keys_and_leave_nothing_behind(chunks: list[bytes]) -> None:
    decoder = Decoder()
    for chunk in chunks:
        assert set(decoder.feed(chunk, 0)) <= KEYS
    assert set(decoder.feed(b"", SEQUENCE_NS)) <= {"esc"}
    assert decoder.feed(b"a", SEQUENCE_NS) == ["a"]


def test_escape_alone_is_decided_when_its_time_is_up() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b", 1000) == []
    assert decoder.feed(b"", 1000 + ESCAPE_NS - 1) == []
    assert decoder.feed(b"", 1000 + ESCAPE_NS) == ["esc"]
    assert decoder.feed(b"", 1000 + 2 * ESCAPE_NS) == []


def test_a_late_reader_does_not_turn_an_arrow_into_escape() -> None:
    decoder = Decoder()
    decoder.feed(b"\x1b", 0)
    assert decoder.feed(b"[C", 10 * ESCAPE_NS) == ["right"]


def test_a_sequence_that_was_cut_off_is_neither_escape_nor_letters() -> None:
    decoder = Decoder()
    decoder.feed(b"\x1b[1", 0)
    assert decoder.feed(b"", 2 * ESCAPE_NS) == []
    assert decoder.feed(b"", SEQUENCE_NS) == []
    assert decoder.feed(b"s", SEQUENCE_NS) == ["s"]


@pytest.mark.parametrize("unknown", [b"\x1b[1;5C", b"\x1b[200~", b"\x1b[?1;2c", b"\x1b[M", b"\x00", b"\xc3\xa4"])
def test_what_is_no_known_key_is_dropped_whole(unknown: bytes) -> None:
    assert Decoder().feed(unknown + b"p", 0) == ["p"]


def test_an_interrupted_sequence_does_not_swallow_the_next_one() -> None:
    assert Decoder().feed(b"\x1b[1;\x1b[C", 0) == ["right"]


@pytest.mark.parametrize(
    ("data", "keys"), [(b"\x1bs", ["esc", "s"]), (b"\x1b\x1b[A", ["esc", "up"]), (b"\x1b\x1b ", ["esc", "esc", "space"])]
)
def test_escape_before_a_key_is_the_escape_key(data: bytes, keys: list[str]) -> None:
    assert Decoder().feed(data, 0) == keys
