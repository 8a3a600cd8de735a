"""`hilt find-port`: which serial ports there are, by which names that last, and what answers on them."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console

from hilt.cli.layout import labelled, width_of
from hilt.kernel import Registry, load
from hilt.kernel.blame import blame
from hilt.tools.config import FindPortConfig
from hilt.tools.holding import holders, refusal
from hilt_hooks import ConnectError, RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.usb import SERIAL, SERIAL_PORTS, UsbDevice, usb_devices

LOOK_S = 0.2

Scanner = Callable[[str], Sequence[Mapping[str, str]]]


def find_port(config: FindPortConfig, registry: Registry, console: Console) -> int:
    pulled = [_unplugged(console)] if config.unplug else []
    present = ports()
    shown = pulled or present
    if not shown:
        console.print("No USB serial port is here. Plug the arm's USB cable in, and see whether `sudo dmesg` tells of it.")
        return 1
    for number, port in enumerate(shown):
        if number:
            console.print()
        answered = list(answers(port, registry)) if config.scan else []
        _show(console, port.path, _facts(port, lasting(port, present), answered))
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
        except Exception as error:  # the other buses are asked all the same
            told.append(blame(descriptor, error, registry))
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


def _facts(port: UsbDevice, name: str, answered: Sequence[str]) -> Iterator[tuple[str, str]]:
    what = " ".join(filter(None, (port.vendor, port.product))) or "unknown"
    ids = f" ({port.ids})" if port.ids else ""
    serial = f"serial {port.serial}" if port.serial else "no serial number"
    speed = f", {port.speed} Mbit/s" if port.speed else ""
    yield "adapter", f"{what}{ids}, {serial}"
    yield "plugged in at", f"USB {port.place or '?'}{speed}"
    for text in answered:
        yield "answers", text
    for link in port.links:
        yield "stays as", link
    yield "flag", f"--robot.port={name}"
    yield "flag", f"--teleop.port={name}"


def _show(console: Console, title: str, facts: Iterable[tuple[str, str]]) -> None:
    """A label that comes again is shown once."""
    console.print(title, style="bold", markup=False, highlight=False)
    last = ""
    for label, text in facts:
        console.print(labelled(" " if label == last else label, text, width_of(console)), soft_wrap=True)
        last = label


def _unplugged(console: Console) -> UsbDevice:
    """The port whose plug is pulled and put back, as it is then. Raises ConnectError if there is none to begin with."""
    before = ports()
    if not before:
        raise ConnectError("no USB serial port is here; plug the arm in first")
    console.print(f"Ports here: {', '.join(each.path for each in before)}", markup=False, highlight=False, soft_wrap=True)
    console.print("Pull the USB plug of the arm that you want to find ... (Ctrl-C ends this)")
    pulled, others = _pulled(before)
    console.print(f"That was {pulled.path}. Put the plug back in ...", markup=False, highlight=False, soft_wrap=True)
    return _put_back(pulled, others)


def _pulled(before: Sequence[UsbDevice]) -> tuple[UsbDevice, set[str]]:
    """Wait until a port is gone: which, and the paths of those that are left. Raises ConnectError if several go at once."""
    while True:
        time.sleep(LOOK_S)
        left = {each.path for each in ports()}
        gone = [each for each in before if each.path not in left]
        if len(gone) > 1:
            raise ConnectError(f"several ports went at once ({', '.join(each.path for each in gone)}); pull one plug only")
        if gone:
            return gone[0], left


def _put_back(pulled: UsbDevice, others: set[str]) -> UsbDevice:
    """Wait until it is there again, maybe in another place and at another path."""
    while True:
        time.sleep(LOOK_S)
        for each in ports():
            if each.path not in others and (each.serial, each.ids) == (pulled.serial, pulled.ids):
                return each
