"""The largest chunks that a policy may send, several at once: the rig takes them in and ticks on."""

from msgspec import structs

from hilt.ipc.messages import CHUNK_BYTES, ChunkMessage, Phase, decode, encode
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import TICK

ROW = [0.1] * 6
EMPTY = ChunkMessage(epoch=1, id=0, observed_ns=0, consumed=0, started_ns=0, finished_ns=0, actions=[], model=[])
COUNT = 5


def largest() -> ChunkMessage:
    """With as many actions as a message may have."""
    room, row = CHUNK_BYTES - len(encode(EMPTY)), len(encode(structs.replace(EMPTY, actions=[ROW]))) - len(encode(EMPTY))
    chunk = structs.replace(EMPTY, actions=[ROW] * (room // row - 1))
    assert CHUNK_BYTES - 2 * row < len(encode(chunk)) <= CHUNK_BYTES
    return chunk


def test_large_chunks_that_come_at_once_are_taken_in_one_after_the_other(session) -> None:
    session.mode(Phase.AUTONOMOUS)
    session.until(lambda: session.tick().phase == Phase.AUTONOMOUS)
    ring = RingReader(session.folder / TICK)
    sent = [structs.replace(largest(), id=number) for number in range(COUNT)]
    for chunk in sent:
        session.chunks.write(encode(chunk))
    session.until(lambda: session.tick().chunk == sent[-1].id)
    heard = [[each for each in decode(packed).inputs if isinstance(each, ChunkMessage)] for packed in ring.drain()]
    assert [chunk for chunks in heard for chunk in chunks] == sent
    assert max(len(chunks) for chunks in heard) == 1
