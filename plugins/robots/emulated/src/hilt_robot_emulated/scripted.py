"""The `scripted` input: an operator who presses keys and moves the hand of a bench, in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import attrs

from hilt_hooks import Bindings, DeviceLost, Edge, InputEvent
from hilt_robot_emulated.bench import NO_GL
from hilt_robot_emulated.config import BINDINGS, ScriptedConfig
from hilt_robot_emulated.folder import describe, find, is_emulated_port

DEVICE = "scripted"


class ScriptedOperator:
    """Its controls are named like the session's events. `read` and `show_phase` never wait for the operator's process."""

    def __init__(self, config: ScriptedConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    @property
    def bindings(self) -> Bindings:
        return BINDINGS

    @property
    def reports_releases(self) -> bool:
        return True

    def emulated(self, robot: object) -> bool:
        """Whether every port in the robot's configuration belongs to a bench: only there may a script stand in for a person."""
        ports = list(_ports(robot))
        return bool(ports) and all(is_emulated_port(port) for port in ports)

    def connect(self) -> None:
        """Start the operator; it waits for the phase `ready`. Raises ConfigError for the script, ConnectError for the bench."""
        from hilt_robot_emulated.script import load_script

        self.disconnect()
        load_script(self._config.script)
        folder = find(self._config.bench)
        describe(folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hilt_robot_emulated.player", str(folder), self._config.script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, "MUJOCO_GL": NO_GL},
        )
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

    def disconnect(self) -> None:
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            process.terminate()
            with process:  # closes the pipes and waits
                pass

    def fileno(self) -> int | None:
        if self._process is None or self._process.stdout is None:
            return None
        return self._process.stdout.fileno()

    def read(self) -> Sequence[InputEvent]:
        if self._process is None or self._process.stdout is None:
            return []
        data = self._process.stdout.read(65536)
        if data is None:
            return []
        if not data:
            raise DeviceLost("the scripted operator ended; its last words are on stderr")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [_event(line) for line in lines]

    def show_phase(self, phase: str, episode: int) -> None:
        if self._process is None or self._process.stdin is None:
            return
        line = json.dumps({"phase": phase, "episode": episode}).encode() + b"\n"
        # An operator that is gone is reported by `read`.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            self._process.stdin.write(line)


def _ports(config: object) -> Iterator[str]:
    """What the fields called `port` hold, in a configuration and in those inside it."""
    kind = type(config)
    if not attrs.has(kind):
        return
    for each in attrs.fields(kind):
        value = getattr(config, each.name)
        if each.name == "port":
            yield str(value)
        else:
            yield from _ports(value)


def _event(line: bytes) -> InputEvent:
    content = json.loads(line)
    return InputEvent(DEVICE, content["control"], Edge(content["edge"]), content["time_ns"])
