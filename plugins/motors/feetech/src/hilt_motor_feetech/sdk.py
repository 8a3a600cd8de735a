"""Single registers and pings through Feetech's SDK, over our own port.

The SDK asks its port handler for bytes in a loop; ours waits for them, so the loop does not spin.
"""

import time
from collections.abc import Callable
from typing import Any

import scservo_sdk

from hilt_motor_feetech.line import Line
from hilt_motor_feetech.port import Port
from hilt_motor_feetech.table import Register

LATENCY_NS = 50_000_000
"""What a USB adapter and a busy machine may add to an answer; nobody waits longer for one attempt."""


class _PortHandler:
    """What the SDK expects of its PortHandler, on a `Port`. The names are the SDK's."""

    def __init__(self, port: Port) -> None:
        self.is_using = False
        self._port = port
        self._received = bytearray()
        self._until_ns = 0
        self.limit_ns = 0

    def clearPort(self) -> None:  # noqa: N802
        self._received.clear()
        self._port.discard()

    def writePort(self, packet: list[int]) -> int:  # noqa: N802
        self._port.write(bytes(packet))
        return len(packet)

    def readPort(self, length: int) -> bytes:  # noqa: N802
        if len(self._received) < length:
            self._port.read_into(self._received, self._until_ns)
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    def setPacketTimeout(self, packet_length: int) -> None:  # noqa: N802
        byte_ms = 10_000 / self._port.baud
        self.setPacketTimeoutMillis(byte_ms * (packet_length + 3) + LATENCY_NS / 1e6)

    def setPacketTimeoutMillis(self, milliseconds: float) -> None:  # noqa: N802
        self._until_ns = min(self.limit_ns, time.monotonic_ns() + int(milliseconds * 1e6))

    def isPacketTimeout(self) -> bool:  # noqa: N802
        return time.monotonic_ns() >= self._until_ns


class Sdk:
    """Each call is one exchange that is over by `until_ns`; None stands for no valid answer.

    Raises DeviceLost when the port is gone.
    """

    def __init__(self, line: Line) -> None:
        self._line, self._handler = line, _PortHandler(line.port)
        # Values travel as bytes here, so that the order in which a series keeps them is not the SDK's business.
        self._packets = scservo_sdk.PacketHandler(0)

    def read(self, id: int, register: Register, until_ns: int) -> bytes | None:
        answer = self._exchange(id, until_ns, self._packets.readTxRx, register.address, register.size)
        if answer is None or len(answer[0]) != register.size:
            self._line.gave_up()
            return None
        return bytes(answer[0])

    def write(self, id: int, register: Register, data: bytes, until_ns: int) -> bool:
        """Whether it was acknowledged."""
        answer = self._exchange(id, until_ns, self._packets.writeTxRx, register.address, register.size, list(data))
        if answer is None:
            self._line.gave_up()
        return answer is not None

    def _exchange(self, id: int, until_ns: int, call: Callable[..., tuple[Any, ...]], *arguments: Any) -> tuple[Any, ...] | None:
        """What the SDK gives: data, where there are any, result and error bits. None if the motor did not answer well."""
        if not self._line.clear((id,), until_ns, LATENCY_NS):
            return None
        self._handler.limit_ns = until_ns
        try:
            answer = call(self._handler, id, *arguments)
        except IndexError:  # how the SDK takes some damaged packets
            return None
        finally:
            # The SDK forgets to when its port raises.
            self._handler.is_using = False
        return answer if answer[-2] == scservo_sdk.COMM_SUCCESS else None
