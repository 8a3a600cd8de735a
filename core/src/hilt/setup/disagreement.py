"""A leader and a robot that did not say the same of the same pose: none leads the other until they do.

What was found is kept beside the leader's calibration file, with what the files of both were then: an arm that is calibrated anew
has not been found to disagree with anything.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from hilt_hooks import Calibratable, ConfigError
from hilt_hooks.bimanual import Pair

_SUFFIX = ".disagrees"


@frozen
class _Found:
    """What one comparison has found. files: calibration file -> a digest of it, of all arms that were compared."""

    files: Mapping[str, str]
    lines: Sequence[str]


def note(leader: Any, robot: Any, lines: Sequence[str]) -> None:
    """What a comparison of these two has found; no lines: they agree, and nothing stands in their way any more.

    What is known of this leader and other robots stays. Raises ConfigError where it cannot be kept.
    """
    files = _files(leader, robot)
    for place in _places(leader):
        known = [each for each in _known(place) if not each.files.keys() <= files.keys()]
        try:
            _keep(place, [*known, _Found(files, lines)] if lines else known)
        except OSError as error:
            raise ConfigError(f"{place}: what the comparison has found cannot be kept there: {error.strerror}") from error


def refuse(leader: Any, robot: Any) -> None:
    """Raises ConfigError for arms that were compared as they are calibrated now, and did not agree."""
    files = _files(leader, robot)
    for place in _places(leader):
        for each in _known(place):
            if each.files.items() <= files.items():
                reason = f"leader and robot were compared, and do not agree; one must not lead the other (kept in {place})"
                raise ConfigError([reason, *each.lines])


def _keep(place: Path, known: Sequence[_Found]) -> None:
    """As a whole or not at all."""
    if not known:
        place.unlink(missing_ok=True)
        return
    draft = place.with_name(place.name + ".new")
    draft.write_text(json.dumps([asdict(each) for each in known], indent=4), encoding="utf-8")
    os.replace(draft, place)


def _known(place: Path) -> list[_Found]:
    if not place.is_file():
        return []
    try:
        read = json.loads(place.read_text(encoding="utf-8"))
        return [_Found(dict(each["files"]), [str(line) for line in each["lines"]]) for each in read]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{place}: not what hilt calibrate wrote there ({error}); delete it, and compare the arms again"
        ) from error


def _places(leader: Any) -> list[Path]:
    """One beside the file of each arm: an arm of a pair may lead alone, or have been compared alone."""
    return [path.with_name(path.name + _SUFFIX) for path in _calibrations(leader)]


def _files(*devices: Any) -> dict[str, str]:
    """Calibration file -> a digest of what is in it, "" if there is none."""
    paths = [path for device in devices for path in _calibrations(device)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in paths}


def _calibrations(device: Any) -> Iterator[Path]:
    arms = device.arms if isinstance(device, Pair) else (device,)
    return (arm.calibration_path for arm in arms if isinstance(arm, Calibratable))
