"""The channels of the arm, in the order in which they go over the link."""

from hilt_hooks import Limits, Signal, names_of

SIGNALS = (
    Signal("shoulder.pos", "deg", limits=Limits(-110.0, 110.0)),
    Signal("elbow.pos", "deg", limits=Limits(-100.0, 100.0)),
    Signal("wrist.pos", "deg", limits=Limits(-160.0, 160.0)),
    Signal("gripper.pos", "%", limits=Limits(0.0, 100.0)),
)
NAMES = names_of(SIGNALS)
