"""What a rig says of silences, held against what the bench knows: one that counts too little moves an arm that it should hold."""

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from hilt.ipc.messages import Tick

_ONE_GAP_NS = 40_000_000
"""What one gap between two ticks counts at most for the lease, which expires after 60 ms: no single pause is enough."""


@frozen
class Known:
    """Times of one tick by the bench's clock, in ns.

    renewed_ns: of the lease, the last time. answered_ns: by arm, the last time of the servo that has not answered for longest.
    """

    began_ns: int
    ended_ns: int
    renewed_ns: int
    answered_ns: Mapping[str, int]


@define
class SilenceWatch:
    period_ns: int
    _read_ns: int = field(default=0, init=False)
    _lease_ns: int = field(default=0, init=False)

    def wrong(self, tick: Tick, known: Known) -> Iterator[str]:
        """Each claim of the tick that is less than the truth by more than a period."""
        if not known.began_ns <= tick.read_ns <= known.ended_ns:
            yield f"read at {tick.read_ns}, but the tick took from {known.began_ns} to {known.ended_ns}"
        robot_ns, leader_ns = (tick.read_ns - known.answered_ns[arm] for arm in ("robot", "leader"))
        claims = [("session", tick.lease_age_ns, self._lease(tick, known)), ("robot", max(tick.ages_ns), robot_ns)]
        if tick.leader is not None:
            claims.append(("leader", tick.leader_silent_ns, leader_ns))
        for who, claimed_ns, true_ns in claims:
            if claimed_ns < true_ns - self.period_ns:
                yield f"the {who} has been silent for {true_ns / 1e6:g} ms, but the tick says {claimed_ns / 1e6:g} ms"

    def _lease(self, tick: Tick, known: Known) -> int:
        """For how long the session has been silent while the rig ran: of a tick that is late, one period counts."""
        passed_ns = min(tick.read_ns - self._read_ns, self.period_ns, _ONE_GAP_NS)
        self._read_ns = tick.read_ns
        self._lease_ns = min(self._lease_ns + passed_ns, tick.read_ns - known.renewed_ns)
        return self._lease_ns
