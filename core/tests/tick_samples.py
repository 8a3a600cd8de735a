"""A tick of a rig on which nothing happens, to be changed where a test wants something else."""

from typing import Any

from msgspec import structs

from hilt.ipc.messages import Phase, Segment, Source, Tick

_IDLE = Tick(
    k=0,
    time_ns=0,
    wrote_ns=0,
    read_ns=0,
    phase=Phase.READY,
    source=Source.HOLD,
    segment=Segment.AUTONOMOUS,
    episode=0,
    epoch=0,
    frame=-1,
    boundary=False,
    sent=[],
    measured=[],
    fresh=[],
    ages_ns=[],
    requested=[],
    proposed=None,
    leader=None,
    leader_fresh=False,
    leader_sent=None,
    queue=0,
    consumed=0,
    chunk=-1,
    lease_age_ns=0,
    limited=[],
    alarm="",
    inputs=[],
)


def idle_tick(**changes: Any) -> Tick:
    return structs.replace(_IDLE, **changes)
