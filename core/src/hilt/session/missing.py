"""What a session has to do without for now, and what it cannot do meanwhile."""

from collections.abc import Iterable, Iterator

from hilt.ipc.messages import Phase, Source, Status, StatusState
from hilt.session.phases import Event, State

NO_LEADER = "there is no leader arm to take over with; --teleop.type=... adds one"

GONE = frozenset({StatusState.LOST, StatusState.FAILED, StatusState.DIED, StatusState.SILENT})
BACK = frozenset({StatusState.READY, StatusState.BACK, StatusState.ANSWERS})
"""What a process says when it, or one of its devices, can no longer be counted on, or can again."""

Part = tuple[str, str]
"""A process and its device; of the process itself its name twice."""

RIG, ROBOT, LEADER = ("rig", "rig"), ("rig", "robot"), ("rig", "leader")
ARMS = frozenset({RIG, ROBOT, LEADER})


class Missing:
    """In the order in which they went."""

    def __init__(self) -> None:
        self._why: dict[Part, str] = {}

    def without_leader(self) -> None:
        self._why[LEADER] = NO_LEADER

    def gone(self, process: str, status: Status) -> None:
        self._why[process, status.device] = _reason(status)

    def back(self, process: str, device: str) -> bool:
        """Whether it was missing."""
        return self._why.pop((process, device), None) is not None

    def knows(self, status: Status) -> bool:
        """Whether that is no news."""
        return status.state in GONE and _reason(status) in self._why.values()

    @property
    def out_of_reach(self) -> str:
        """Who keeps the arm from hearing anything, if anybody."""
        return next((device for _, device in (ROBOT, RIG) if ("rig", device) in self._why), "")

    def of(self, processes: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Process, and why, for those of them that miss something."""
        return ((process, why) for (process, _), why in self._why.items() if process in processes)

    def refusal(self, event: Event, before: State, after: State) -> str:
        """Why an event has to wait for something, if it has to. A person may take over whatever else is missing."""
        needed = self._needed(event, before, after)
        return "; ".join(dict.fromkeys(why for part, why in self._why.items() if part in needed))

    def _needed(self, event: Event, before: State, after: State) -> set[Part]:
        needed: set[Part] = set()
        if event == Event.ACKNOWLEDGE:
            needed |= ARMS - {LEADER}
        if after.source == Source.HUMAN != before.source:
            needed |= ARMS
        if event in (Event.START, Event.RESUME) or Phase.AUTONOMOUS == after.phase != before.phase:
            needed |= self._why.keys() - ARMS
        return needed


def _reason(status: Status) -> str:
    return f"{status.device}: {status.detail}"
