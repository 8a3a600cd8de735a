"""A made-up machine: the folders in which Linux tells of USB devices, as far as `hilt_hooks.usb` reads them.

machine = UsbTree(tmp_path)
arm = machine.plug("1-2.3", "1a86:55d3", product="USB Single Serial", serial="5A46085090")
machine.node(arm, SERIAL_PORTS, "ttyACM0", opens=bus.port)
monkeypatch.setenv(ROOT, str(machine.root))
"""

import shutil
from pathlib import Path

from hilt_hooks.usb import CAMERAS, SERIAL_PORTS

_FOLDERS = {SERIAL_PORTS: "serial", CAMERAS: "v4l"}


class UsbTree:
    """root: what HILT_DEVICES_ROOT has to be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for kind in _FOLDERS:
            (root / "sys/class" / kind).mkdir(parents=True)
        (root / "dev").mkdir()

    def plug(self, place: str, ids: str, *, vendor: str = "", product: str = "", serial: str = "", speed: str = "12") -> Path:
        """A device at this place (bus and ports, such as 1-2.3). Gives its folder."""
        device = self.root / "sys/devices/pci0000:00/usb1" / place
        device.mkdir(parents=True)
        id_vendor, id_product = ids.split(":")
        told = {"idVendor": id_vendor, "idProduct": id_product, "speed": speed}
        told |= {"manufacturer": vendor, "product": product, "serial": serial}
        for name, text in told.items():
            if text:
                (device / name).write_text(f"{text}\n")
        return device

    def node(self, device: Path, kind: str, name: str, *, opens: str = "", index: int | None = None, by_id: str = "") -> Path:
        """What a program opens. opens: the path of the real thing behind it. by_id: its link, if it gets one."""
        folder = device / f"{device.name}:1.{index or 0}" / kind / name
        folder.mkdir(parents=True)
        if index is not None:
            (folder / "index").write_text(f"{index}\n")
        (self.root / "sys/class" / kind / name).symlink_to(folder)
        path = self.root / "dev" / name
        if opens:
            path.symlink_to(opens)
        else:
            path.touch()
        for links, link in (("by-id", by_id), ("by-path", f"pci-0000:00:14.0-usb-0:{device.name.partition('-')[2]}:1.0")):
            if link and not index:
                self._link(kind, links, link, path)
        return path

    def unplug(self, device: Path) -> None:
        """The device, and all that is called after it, is gone."""
        nodes = [each for kind in _FOLDERS for each in (self.root / "sys/class" / kind).iterdir()]
        gone = [each for each in nodes if each.resolve().is_relative_to(device)]
        names = {each.name for each in gone}
        links = [each for each in (self.root / "dev").glob("*/by-*/*") if each.readlink().name in names]
        for each in (*links, *gone, *(self.root / "dev" / name for name in names)):
            each.unlink()
        shutil.rmtree(device)

    def _link(self, kind: str, links: str, name: str, path: Path) -> None:
        folder = self.root / "dev" / _FOLDERS[kind] / links
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(path)
