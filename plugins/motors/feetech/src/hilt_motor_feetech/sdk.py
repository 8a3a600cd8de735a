"""Single registers and pings through Feetech's SDK, over our own port.

The SDK asks its port handler for bytes in a loop; ours waits for them, so the loop does not spin.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import scservo_sdk

from hilt_motor_feetech.port import Port
from hilt_motor_feetech.table import Register

_T = TypeVar("_T")
_LATENCY_MS = 50.0
"""What a USB adapter and a busy machine may add to an answer."""


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
        self.setPacketTimeoutMillis(byte_ms * (packet_length + 3) + _LATENCY_MS)

    def setPacketTimeoutMillis(self, milliseconds: float) -> None:  # noqa: N802
        self._until_ns = min(self.limit_ns, time.monotonic_ns() + int(milliseconds * 1e6))

    def isPacketTimeout(self) -> bool:  # noqa: N802
        return time.monotonic_ns() >= self._until_ns


class Sdk:
    """Each call is one exchange that is over by `until_ns`; None stands for no valid answer.

    Raises DeviceLost when the port is gone.
    """

    def __init__(self, port: Port) -> None:
        self._handler = _PortHandler(port)
        # Values travel as bytes here, so that the order in which a series keeps them is not the SDK's business.
        self._packets = scservo_sdk.PacketHandler(0)

    def read(self, id: int, register: Register, until_ns: int) -> bytes | None:
        try:
            data, result, _ = self._exchange(until_ns, self._packets.readTxRx, id, register.address, register.size)
        except IndexError:  # how the SDK takes some damaged packets
            return None
        return bytes(data) if result == scservo_sdk.COMM_SUCCESS and len(data) == register.size else None

    def write(self, id: int, register: Register, data: bytes, until_ns: int) -> bool:
        """Whether it was acknowledged."""
        try:
            result, _ = self._exchange(until_ns, self._packets.writeTxRx, id, register.address, register.size, list(data))
        except IndexError:
            return False
        return bool(result == scservo_sdk.COMM_SUCCESS)

    def _exchange(self, until_ns: int, call: Callable[..., _T], *arguments: Any) -> _T:
        self._handler.limit_ns = until_ns
        try:
            return call(self._handler, *arguments)
        finally:
            # The SDK forgets to when its port raises.
            self._handler.is_using = False
