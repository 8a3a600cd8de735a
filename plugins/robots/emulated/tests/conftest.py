"""Benches to test on, and an arm through Feetech's own SDK: the wire as a stranger uses it."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from hilt_robot_emulated.bench import Bench

IDS = range(1, 7)
TORQUE_ENABLE, GOAL_POSITION, TORQUE_LIMIT, PRESENT_POSITION = 40, 42, 48, 56


class WireArm:
    def __init__(self, port: str) -> None:
        sdk = pytest.importorskip("scservo_sdk")
        self._sdk, self._port, self._packets = sdk, sdk.PortHandler(port), sdk.PacketHandler(0)
        assert self._port.openPort()
        assert self._port.setBaudRate(1_000_000)
        self._reading = sdk.GroupSyncRead(self._port, self._packets, PRESENT_POSITION, 2)
        for id in IDS:
            self._reading.addParam(id)

    def ping(self, id: int) -> tuple[int, int]:
        """Model number and result, 0 for success."""
        try:
            model, result, _ = self._packets.ping(self._port, id)
        except IndexError:  # how the SDK takes an answer that comes while it asks again
            return 0, self._sdk.COMM_RX_CORRUPT
        return model, result

    def answers(self, id: int) -> bool:
        """Whether a servo is there. The SDK gives up after a few ms, which a busy machine may need."""
        return any(self.ping(id) == (777, 0) for _ in range(20))

    def read(self) -> list[int] | None:
        """Present positions in steps, None if an answer was late or wrong."""
        if self._reading.txRxPacket() != 0:
            return None
        return [self._reading.getData(id, PRESENT_POSITION, 2) for id in IDS]

    def read_surely(self) -> list[int]:
        for _ in range(20):
            if (positions := self.read()) is not None:
                return positions
        raise AssertionError("no complete answer in 20 reads")

    def write(self, goals: Sequence[int]) -> None:
        packet = self._sdk.GroupSyncWrite(self._port, self._packets, GOAL_POSITION, 2)
        for id, goal in zip(IDS, goals, strict=True):
            packet.addParam(id, [goal & 255, goal >> 8])
        packet.txPacket()

    def limit(self, thousandths: int) -> None:
        for id in IDS:
            self._surely(lambda id=id: self._packets.write2ByteTxRx(self._port, id, TORQUE_LIMIT, thousandths)[0])

    def torque(self, on: bool) -> None:
        """Switch; on means: hold where it is."""
        if on:
            self.write(self.read_surely())
        for id in IDS:
            self._surely(lambda id=id: self._packets.write1ByteTxRx(self._port, id, TORQUE_ENABLE, int(on))[0])

    def _surely(self, write: Callable[[], int]) -> None:
        """The SDK gives up after a few ms, which a busy machine may need."""
        assert any(write() == 0 for _ in range(20))

    def close(self) -> None:
        self._port.closePort()


@pytest.fixture
def wire_arm() -> Iterator[Callable[[str], WireArm]]:
    arms: list[WireArm] = []

    def opened(port: str) -> WireArm:
        arms.append(WireArm(port))
        return arms[-1]

    yield opened
    for arm in arms:
        arm.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Without cameras: starts in half a second."""
    with Bench.start(cameras={}, seed=5) as bench:
        yield bench


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for what the world or another process does in its own time."""

    def wait(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"not within {limit_s:g} s"
            time.sleep(0.01)

    return wait
