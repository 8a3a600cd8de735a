"""The control socket of a bench: one JSON object a line, one answer a line."""

import json
import select
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hilt_hooks import ConnectError, DeviceLost, HiltError

_ANSWER_S = 5.0

Handle = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ControlServer:
    """Served from the loop of the process that owns the world: `handle` runs between two steps, so it must be quick."""

    def __init__(self, path: Path, handle: Handle) -> None:
        self._handle, self._path = handle, path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.setblocking(False)
        self._clients: dict[socket.socket, bytearray] = {}

    @property
    def sockets(self) -> list[socket.socket]:
        return [self._listener, *self._clients]

    def serve(self, readable: list[Any]) -> None:
        """Take in what waits on those of `sockets` that are readable."""
        for ready in readable:
            if ready is self._listener:
                client, _ = self._listener.accept()
                client.setblocking(False)
                self._clients[client] = bytearray()
            elif ready in self._clients:
                self._take(ready)

    def _take(self, client: socket.socket) -> None:
        try:
            data = client.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except ConnectionError:
            data = b""
        if not data:
            self._drop(client)
            return
        *lines, rest = (self._clients[client] + data).split(b"\n")
        self._clients[client] = bytearray(rest)
        try:
            for line in lines:
                client.sendall(json.dumps(self._answer(line)).encode() + b"\n")
        except OSError:  # a client that does not take its answers is not worth a stutter of the world
            self._drop(client)

    def _answer(self, line: bytes | bytearray) -> Mapping[str, Any]:
        try:
            return {"ok": True, **self._handle(json.loads(line))}
        except (HiltError, ValueError, KeyError, TypeError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    def _drop(self, client: socket.socket) -> None:
        self._clients.pop(client, None)
        client.close()

    def close(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        self._listener.close()
        self._path.unlink(missing_ok=True)


class ControlClient:
    """One connection to a bench."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = bytearray()
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ConnectError(
                f"{path}: the bench does not answer ({error.strerror}); start one with: hilt emulate so101"
            ) from None

    def command(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the bench. Raises DeviceLost when it is gone, and ValueError with its words when it refuses."""
        try:
            self._socket.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(self._line())
        except OSError as error:
            raise DeviceLost(f"the bench is gone: {error}") from None
        if not answer.pop("ok"):
            raise ValueError(f"bench, {do}: {answer['error']}")
        return answer

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([self._socket], [], [], _ANSWER_S)
            if not readable:
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s")
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("it closed the control socket")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return bytes(line)

    def close(self) -> None:
        self._socket.close()
