"""Where a hand goes next."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class Waypoint:
    """pose: channel name -> degrees or percent. speed: of the fastest joint on the way there, degrees per second."""

    pose: Mapping[str, float]
    speed: float
