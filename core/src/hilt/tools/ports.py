"""`hilt find-port`: which serial ports there are, by which names that last, and what answers on them."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console

from hilt.cli.layout import labelled, width_of
from hilt.kernel import Registry
from hilt.kernel.build import load
from hilt.tools.config import FindPortConfig
from hilt.tools.holding import holders, refusal
from hilt_hooks import ConnectError, HiltError, RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.usb import SERIAL, SERIAL_PORTS, UsbDevice, usb_devices

LOOK_S = 0.2

Scanner = Callable[[str], Sequence[Mapping[str, str]]]


def find_port(config: FindPortConfig, registry: Registry, console: Console) -> int:
    present = [_unplugged(console)] if config.unplug else ports()
    if not present:
        console.print("No USB serial port is here. Plug the arm's USB cable in, and see whether `sudo dmesg` tells of it.")
        return 1
    for number, port in enumerate(present):
        if number:
            console.print()
        shown = list(_facts(port, present))
        if config.scan:
            shown[2:2] = [("answers", text) for text in answers(port, registry)]
        _show(console, port.path, shown)
    return 0


def ports() -> list[UsbDevice]:
    """The USB serial ports that are here now. On macOS only their paths are known."""
    if sys.platform == "linux":
        return usb_devices(SERIAL_PORTS)
    return [UsbDevice(str(path)) for path in sorted(Path("/dev").glob("cu.usb*"))]


def lasting(port: UsbDevice, present: Sequence[UsbDevice]) -> str:
    """By which name a configuration had best call a port: its serial number, where only it has that."""
    if port.serial and sum(each.serial == port.serial for each in present) == 1:
        return SERIAL + port.serial
    return port.name


def answers(port: UsbDevice, registry: Registry) -> Iterator[str]:
    """What the motor buses that are installed find on a port, in words; or why they cannot look."""
    if why := refusal(port.path):
        yield why
        return
    if by := holders(port.path):
        yield f"not asked: {' and '.join(map(str, by))} has it open"
        return
    told: list[str] = []
    for reference, descriptor in _scanners(registry).items():
        try:
            scan: Scanner = load(descriptor, reference)
            told += _words(scan(port.path))
        except HiltError as error:
            told.append(str(error))
    yield from told or ["nothing; is the power of the arm on?"]


def _scanners(registry: Registry) -> dict[str, RobotDescriptor | TeleoperatorDescriptor]:
    """Each once, with a type that names it: types that share a bus name the same."""
    arms: list[RobotDescriptor | TeleoperatorDescriptor] = [*registry.all(RobotDescriptor), *registry.all(TeleoperatorDescriptor)]
    return {each.scanner: each for each in arms if each.scanner}


def _words(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """`NAME at 1000000 baud: ids 1 to 6 (MODEL)`."""
    for (bus, baud), group in groupby(rows, key=lambda row: (row.get("bus", "?"), row.get("baud", ""))):
        members = list(group)
        told = [f"{_ids(ids)} ({model})" for model, ids in _by_model(members).items()]
        told += [row["problem"] for row in members if "problem" in row]
        yield f"{bus} at {baud} baud: {'; '.join(told)}"


def _by_model(rows: Sequence[Mapping[str, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        if "id" in row:
            found.setdefault(row.get("model", "?"), []).append(int(row["id"]))
    return found


def _ids(ids: Sequence[int]) -> str:
    if len(ids) > 2 and sorted(ids) == list(range(min(ids), max(ids) + 1)):
        return f"ids {min(ids)} to {max(ids)}"
    return f"id{'s' * (len(ids) > 1)} {', '.join(map(str, sorted(ids)))}"


def _facts(port: UsbDevice, present: Sequence[UsbDevice]) -> Iterator[tuple[str, str]]:
    what = " ".join(filter(None, (port.vendor, port.product))) or "unknown"
    yield (
        "adapter",
        f"{what}{f' ({port.ids})' if port.ids else ''}, {f'serial {port.serial}' if port.serial else 'no serial number'}",
    )
    yield "plugged in at", f"USB {port.place or '?'}{f', {port.speed} Mbit/s' if port.speed else ''}"
    for number, link in enumerate(port.links):
        yield "stays as" if not number else " ", link
    name = lasting(port, present)
    yield "flag", f"--robot.port={name}"
    yield " ", f"--teleop.port={name}"


def _show(console: Console, title: str, facts: Sequence[tuple[str, str]]) -> None:
    console.print(title, style="bold", markup=False, highlight=False)
    last = ""
    for label, text in facts:
        console.print(labelled(" " if label == last else label, text, width_of(console)), soft_wrap=True)
        last = label


def _unplugged(console: Console) -> UsbDevice:
    """Wait until one port goes and comes back. Raises ConnectError if there is none to begin with."""
    before = ports()
    if not before:
        raise ConnectError("no USB serial port is here; plug the arm in first")
    console.print(f"Ports here: {', '.join(each.path for each in before)}", highlight=False, soft_wrap=True)
    console.print("Pull the USB plug of the arm that you want to find ... (Ctrl-C ends this)")
    gone: list[UsbDevice] = []
    left: set[str] = set()
    while not gone:
        time.sleep(LOOK_S)
        left = {each.path for each in ports()}
        gone = [each for each in before if each.path not in left]
    if len(gone) > 1:
        raise ConnectError(f"several ports went at once ({', '.join(each.path for each in gone)}); pull one plug only")
    console.print(f"That was {gone[0].path}. Put the plug back in ...", highlight=False, soft_wrap=True)
    while True:
        time.sleep(LOOK_S)
        for each in ports():
            if each.path not in left and (each.serial, each.ids) == (gone[0].serial, gone[0].ids):
                return each
