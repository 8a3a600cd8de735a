"""Which processes a session has, and what each is started with."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hilt.cameras import CamerasSetup
from hilt.cameras import run as run_cameras
from hilt.inference.process import PolicySetup
from hilt.inference.process import run as run_policy
from hilt.ipc.messages import Outcome
from hilt.observers import ObserversSetup, ViewersSetup, run_viewers
from hilt.observers import run as run_observers
from hilt.recording.process import run as run_recorder
from hilt.recording.setup import RecorderSetup
from hilt.replay.player import PlayerSetup
from hilt.replay.player import run as run_player
from hilt.rig.process import RigSetup
from hilt.rig.process import run as run_rig
from hilt.session.crew import Duty
from hilt.session.plan import Plan, PolicyPlan

PATIENCE_S = 2.0
THINKS_S = 20.0
"""For how long an inference may take before the policy counts as stuck."""
RIG_PATIENCE_S = 0.5

Succession = Callable[[], tuple[int, Mapping[int, Outcome]]]
"""What a new recorder takes over: how many messages were for others, and the outcomes of episodes that are not durable yet."""


def before_the_rig(plan: Plan, run_dir: Path, succession: Succession) -> dict[str, Duty]:
    """Those that can fail without anything having moved."""
    duties = {}
    if plan.wanted.logs is not None:
        duties["recorder"] = _recorder(plan, plan.wanted.logs, run_dir, succession)
    if plan.cameras:
        setup = CamerasSetup(run_dir=run_dir, cameras=plan.cameras)
        duties["cameras"] = Duty(run=run_cameras, setup=lambda: setup, patience_s=PATIENCE_S, replaced=True)
    if plan.policy is not None:
        policy = _policy(plan, plan.policy, run_dir)
        duties["policy"] = Duty(run=run_policy, setup=lambda: policy, patience_s=THINKS_S, replaced=True)
    if plan.replay is not None:
        player = PlayerSetup(run_dir, plan.replay.actions)
        duties["replay"] = Duty(run=run_player, setup=lambda: player, patience_s=PATIENCE_S)
    return duties


def rig(plan: Plan, run_dir: Path) -> Duty:
    setup = RigSetup(
        run_dir=run_dir,
        station=plan.station,
        fps=plan.header.fps,
        interpolation=plan.header.interpolation,
        handover=plan.handover,
        filters=plan.filters,
    )
    return Duty(run=run_rig, setup=lambda: setup, patience_s=RIG_PATIENCE_S)


def observers(plan: Plan, run_dir: Path) -> Duty:
    setup = ObserversSetup(run_dir=run_dir, session=plan.name, recorded=plan.wanted.logs is not None)
    return Duty(run=run_observers, setup=lambda: setup)


def viewers(plan: Plan, run_dir: Path) -> Duty:
    setup = ViewersSetup(run_dir=run_dir, header=plan.header, task=plan.wanted.task, viewers=plan.viewers)
    return Duty(run=run_viewers, setup=lambda: setup)


def _recorder(plan: Plan, logs: Path, run_dir: Path, succession: Succession) -> Duty:
    def setup() -> RecorderSetup:
        after, told = succession()
        factory, config = plan.recorder or (None, None)
        return RecorderSetup(
            run_dir=run_dir,
            header=plan.header,
            logs=logs,
            recorder_factory=factory,
            recorder_config=config,
            after=after,
            told=told,
        )

    return Duty(run=run_recorder, setup=setup, patience_s=PATIENCE_S, replaced=True)


def _policy(plan: Plan, policy: PolicyPlan, run_dir: Path) -> PolicySetup:
    return PolicySetup(
        run_dir=run_dir,
        type=policy.type,
        config=policy.runtime,
        path=policy.path,
        threshold=policy.threshold,
        state=tuple(plan.header.state_names),
        actions=tuple(plan.header.action_names),
        cameras=tuple(plan.cameras),
        task=plan.wanted.task,
    )
