"""Arms whose motors came out of the bag: somebody plugs them in, one or all, and moves the limp arm to all its ends."""

from collections.abc import Mapping, Sequence

import numpy as np

from hilt_motor_feetech.emulator import EmulatedServo, PtyBus, ServoChain
from hilt_robot_emulated.hand import Hand
from hilt_robot_emulated.model import ARMS
from hilt_robot_emulated.plant import ArmPlant
from hilt_robot_emulated.so101 import JOINTS, LINKS
from hilt_robot_emulated.world import REST, World

ALL = "all"
FACTORY_ID = 1
_SPEED = 3.0
"""Of the fastest joint while an arm is swept, rad/s."""


class _Unlike(ArmPlant):
    """For motors that have the same id: no two shafts are at the same step, so that their answers damage each other."""

    def __init__(self, world: World, arm: str) -> None:
        super().__init__(world, arm)
        self._asked = 0

    def position(self, motor_id: int) -> float:
        self._asked += 1
        return super().position(motor_id) + self._asked % 2


class FreshArms:
    """Owned by the thread that owns the world. buses: arm -> what its adapter is; a chain of new servos is put behind each."""

    def __init__(self, world: World, buses: Mapping[str, PtyBus]) -> None:
        self._world, self._buses = world, buses
        self._servos = {arm: {joint: EmulatedServo(FACTORY_ID) for joint in JOINTS} for arm in buses}
        self._hands: dict[str, Hand] = {}
        self._seen_ns = 0
        for arm in buses:
            self.plug(arm, ALL)

    def plug(self, arm: str, motor: str) -> None:
        """motor: a joint, whose motor is then the only one that is plugged in, or ALL. Raises ValueError."""
        _check(arm, self._servos, "arm")
        _check(motor, (*JOINTS, ALL), "motor")
        servos = list(self._servos[arm].values()) if motor == ALL else [self._servos[arm][motor]]
        plant = ArmPlant if len({servo.id for servo in servos}) == len(servos) else _Unlike
        bus = self._buses[arm]
        chain = ServoChain(servos, plant(self._world, arm))
        chain.on_sync_write.extend(bus.chain.on_sync_write)
        bus.chain = chain

    def sweep(self, arm: str) -> None:
        """Begin to move an arm by hand: every joint to both ends, then to rest. Raises ValueError for one that is stiff."""
        _check(arm, self._servos, "arm")
        if any(self._world.torque_on(arm)):
            raise ValueError(f"the {arm} is stiff: no hand moves it")
        ends = [np.array([getattr(link, end) for link in LINKS]) for end in ("lower", "upper")]
        hand = self._hands[arm] = Hand()
        hand.move(self._world.angles(arm), [(pose, _SPEED) for pose in (*ends, REST)])

    @property
    def sweeping(self) -> Sequence[str]:
        return [arm for arm in ARMS if arm in self._hands]

    def advance(self, now_ns: int) -> None:
        """A hand is stronger than gravity and table: the arm is where it holds it."""
        seconds, self._seen_ns = min(0.1, (now_ns - self._seen_ns) / 1e9), now_ns
        for arm, hand in list(self._hands.items()):
            hand.advance(seconds)
            of = self._world.arms[arm]
            self._world.data.qpos[of.joints] = hand.target
            self._world.data.qvel[of.velocities] = 0.0
            if not hand.moving:
                del self._hands[arm]


def _check(name: str, known: Sequence[str] | Mapping[str, object], what: str) -> None:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}; there are {', '.join(known)}")
