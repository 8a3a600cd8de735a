"""The stations that there are, as a table."""

import shutil
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from hilt.cli.layout import columns
from hilt.config.stations import FOLDERS, StationSource, places, stations
from hilt.kernel import Registry
from hilt.kernel.blame import blame


def station_lines(registry: Registry) -> Iterator[str]:
    """A line for each; one that another of its name stands before is listed, too."""
    found = stations(registry)
    first: dict[str, StationSource] = {}
    rows = []
    for each in found:
        hidden = first.setdefault(each.name, each) is not each
        after = f" (hidden by {first[each.name].where})" if hidden else ""
        robot, leader, where = _described(each, registry)
        rows.append([Text(cell) for cell in (each.name, robot, leader, where + after)])
    if rows:
        width = min(120, shutil.get_terminal_size().columns)
        yield columns(("station", "robot", "leader", "from"), rows, width).plain
    else:
        yield "no stations; `hilt config show --given --robot.type=... > stations/NAME.yaml` makes one"
    yield f"looked in: {places()}; {FOLDERS} adds folders"


def _described(source: StationSource, registry: Registry) -> tuple[str, str, str]:
    """Its robot, its leader, and where it is from; of a bundle that cannot be read why, too."""
    try:
        data, _ = source.read()
    except Exception as error:  # the other stations are listed all the same
        return "cannot be read", "", blame(source.bundle, error, registry) if source.bundle else source.where
    return _type(data.get("robot")), _type(data.get("teleop")), source.where


def _type(device: Any) -> str:
    return str(device.get("type", "-")) if isinstance(device, dict) else "-"
