"""When an alarm is news: neither a bell nor a hook that sends mail is wanted at every tick."""

import re

from hilt.ipc.messages import Tick

OVER_NS = 1_000_000_000
"""An alarm that has not been there for so long is over; if it comes back, it is told again."""

_NUMBER = re.compile(r"\d+(\.\d+)?")


class Alarms:
    """Tells each alarm and fault once, as long as it lasts. Texts that differ in a number only are the same alarm."""

    def __init__(self) -> None:
        self._seen_ns: dict[str, int] = {}

    def new(self, tick: Tick) -> list[str]:
        self._seen_ns = {kind: at for kind, at in self._seen_ns.items() if tick.time_ns - at < OVER_NS}
        found = []
        for text in filter(None, (tick.alarm, tick.fault)):
            kind = _NUMBER.sub("#", text)
            if kind not in self._seen_ns:
                found.append(text)
            self._seen_ns[kind] = tick.time_ns
        return found
