"""Names that scripts and configurations may use: the events of a session as an operator gives them, its phases, the cameras."""

EVENTS = (
    "start",
    "pause",
    "takeover",
    "intervene",
    "correct",
    "resume",
    "success",
    "failure",
    "save",
    "rerecord",
    "discard_last",
    "next",
    "acknowledge",
    "stop",
)
PHASES = ("ready", "autonomous", "paused", "human", "saved", "discarded", "reset", "fault", "ended")

CAMERA_NAMES = ("front", "wrist")
