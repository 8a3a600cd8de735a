"""A leader and a robot that did not say the same of the same pose: none leads the other until they do.

What was found is kept beside the leader's calibration file, with what the files were then: an arm that is calibrated anew has
not been found to disagree with anything.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hilt_hooks import Calibratable, ConfigError
from hilt_hooks.bimanual import Pair

_SUFFIX = ".disagrees"


def note(leader: Any, robot: Any, lines: Sequence[str]) -> None:
    """What a comparison of these two has found; no lines: they agree, and nothing stands in their way any more."""
    place = _place(leader)
    if place is None:
        return
    place.unlink(missing_ok=True)
    if lines:
        place.write_text(json.dumps({"files": _files(leader, robot), "found": list(lines)}, indent=4), encoding="utf-8")


def refuse(leader: Any, robot: Any) -> None:
    """Raises ConfigError for two that were compared as they are calibrated now, and did not agree."""
    place = _place(leader)
    if place is None or not place.is_file():
        return
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
        same, found = known["files"] == _files(leader, robot), [str(line) for line in known["found"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{place}: not what hilt calibrate wrote there ({error}); delete it, and compare the arms again"
        ) from error
    if same:
        raise ConfigError(["leader and robot were compared, and do not agree; one must not lead the other", *found])


def _place(leader: Any) -> Path | None:
    first = next(_calibrations(leader), None)
    return None if first is None else first.with_name(first.name + _SUFFIX)


def _files(*devices: Any) -> dict[str, str]:
    """Calibration file -> what is in it."""
    paths = [path for device in devices for path in _calibrations(device)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in paths}


def _calibrations(device: Any) -> Iterator[Path]:
    arms = device.arms if isinstance(device, Pair) else (device,)
    return (arm.calibration_path for arm in arms if isinstance(arm, Calibratable))
