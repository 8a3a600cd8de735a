"""Names that scripts and configurations may use: a session's events as an operator gives them, its phases, arms, cameras."""

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

ARM_NAMES = ("robot", "leader")
CAMERA_NAMES = ("front", "wrist")
