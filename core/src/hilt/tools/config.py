"""The configurations of the commands that find and check devices."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from hilt.config import Compatibility, device
from hilt_hooks import Typed, option


@frozen(kw_only=True)
class FindPortConfig:
    scan: bool = option(True, help="Open each port and ask which motors answer; changes nothing in them")
    unplug: bool = option(False, help="Find one port by pulling its plug, instead of listing all")


@frozen(kw_only=True)
class FindCamerasConfig:
    compatibility: ClassVar[Compatibility] = Compatibility(
        unused={"record-time-s": "one picture of each camera is saved"}, moved={"output-dir": "output_dir"}
    )

    robot: Typed | None = device("robot", default=None, help="Whose configured cameras are shown, too, under their names")
    addresses: tuple[str, ...] = option((), help="Network cameras to try: '[http://10.0.0.7:8080/video]'")
    output_dir: Path = option(Path("outputs/captured_images"), help="Where the pictures go")


@frozen(kw_only=True)
class DoctorConfig:
    robot: Typed | None = device("robot", default=None, help="The arm, or pair of arms, to look at, with its cameras")
    teleop: Typed | None = device("teleoperator", default=None, help="The leader to look at")
    inputs: tuple[Typed, ...] = device("input", default=(), help="Inputs to look at; a single one also as --input.type=")
    press_s: float = option(0.0, help="For how long to listen to the inputs, and show what is pressed", unit="s", minimum=0)
    folder: Path = option(Path(), help="Where recordings will go: its disk is measured")
