"""Which USB devices there are, and by which names that last: serial numbers, and links that stay the same over a replug.

Read from the folders of a Linux system; elsewhere there is nothing to be found. HILT_DEVICES_ROOT moves them: where the
folders of a host are mounted into a container, say.

A port or camera may be named in a configuration by its path, by a link under /dev/serial/by-id or /dev/v4l/by-id, or as
`serial:<USB serial number>`; `located` says where that is now.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve, frozen

from hilt_hooks.errors import ConnectError

ROOT = "HILT_DEVICES_ROOT"
SERIAL = "serial:"

SERIAL_PORTS, CAMERAS = "tty", "video4linux"
"""Classes of devices, as the kernel calls them."""

_LINKS = {SERIAL_PORTS: ("dev/serial/by-id", "dev/serial/by-path"), CAMERAS: ("dev/v4l/by-id", "dev/v4l/by-path")}
_NOUNS = {SERIAL_PORTS: "serial ports", CAMERAS: "cameras"}
_FIRST_INDEX = "0"
"""A camera may have further nodes (metadata) behind the one that gives images."""


@frozen
class UsbDevice:
    """path: such as /dev/ttyACM0. links: names that stay, the best first. place: bus and ports, such as 1-2.3.

    ids: vendor and product, such as 1a86:55d3. speed: of its connection, Mbit/s; "" where something is not known.
    """

    path: str
    links: tuple[str, ...] = ()
    vendor: str = ""
    product: str = ""
    serial: str = ""
    ids: str = ""
    place: str = ""
    speed: str = ""

    @property
    def name(self) -> str:
        """The name by which a configuration had best call it."""
        return self.links[0] if self.links else self.path

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.vendor, self.product))) or self.ids or "unknown device"
        return f"{self.path} ({what}{f', serial {self.serial}' if self.serial else ''})"


def root() -> Path:
    """Where the folders `sys` and `dev` are."""
    return Path(os.environ.get(ROOT, "/"))


def usb_devices(kind: str) -> list[UsbDevice]:
    """All devices of a class that are plugged in now: SERIAL_PORTS on USB, or CAMERAS of any kind."""
    base = root()
    links = _links(base, kind)
    nodes = sorted((base / "sys/class" / kind).glob("*"), key=lambda node: (len(node.name), node.name))
    found = [_described(node, base, links) for node in nodes if _is_first(node)]
    shared = {each.serial for each in found if sum(other.serial == each.serial for other in found) > 1}
    return [each if each.serial not in shared else _by_place(each) for each in found if each.place or kind == CAMERAS]


def located(name: str, kind: str) -> str:
    """The path of what a configuration calls `name`; a path is what it is.

    Raises ConnectError, listing what is there, unless a serial number belongs to one device.
    """
    if not name.startswith(SERIAL):
        return name
    wanted = name.removeprefix(SERIAL)
    present = usb_devices(kind)
    matching = [each for each in present if each.serial == wanted]
    if len(matching) == 1:
        return matching[0].path
    if not matching:
        raise ConnectError(f"{name}: no such device; {listed(present, kind)}")
    raise ConnectError(
        f"{name}: several devices have this serial number; use a path: {', '.join(each.name for each in matching)}"
    )


def listed(present: Iterable[UsbDevice], kind: str) -> str:
    """`serial ports here: /dev/ttyACM0 (...)`."""
    return f"{_NOUNS[kind]} here: {', '.join(map(str, present)) or 'none'}"


def _is_first(node: Path) -> bool:
    return _read(node / "index") in ("", _FIRST_INDEX)


def _described(node: Path, base: Path, links: dict[Path, list[str]]) -> UsbDevice:
    path = base / "dev" / node.name
    above = next((each for each in (node.resolve(), *node.resolve().parents) if (each / "idVendor").is_file()), None)
    names = tuple(links.get(path.resolve(), ()))
    if above is None:
        return UsbDevice(str(path), names)
    return UsbDevice(
        path=str(path),
        links=names,
        vendor=_read(above / "manufacturer"),
        product=_read(above / "product"),
        serial=_read(above / "serial"),
        ids=f"{_read(above / 'idVendor')}:{_read(above / 'idProduct')}",
        place=above.name,
        speed=_read(above / "speed"),
    )


def _by_place(device: UsbDevice) -> UsbDevice:
    """One whose serial number others have too: a link that is made of the number may lead to any of them."""
    links = tuple(sorted(device.links, key=lambda link: "by-path" not in link))
    return evolve(device, links=links)


def _links(base: Path, kind: str) -> dict[Path, list[str]]:
    """What a device node is called besides: resolved path -> links, those by id first."""
    found: dict[Path, list[str]] = {}
    for folder in _LINKS[kind]:
        for link in _entries(base / folder):
            found.setdefault(link.resolve(), []).append(str(link))
    return found


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
