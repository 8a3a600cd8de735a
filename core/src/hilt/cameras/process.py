"""The cameras' process: a thread for each camera, and one that waits for the end of the session."""

import threading

from hilt.cameras.follower import Follower, reason
from hilt.cameras.setup import CamerasSetup, build_camera, stream_name
from hilt.ipc.frames import FrameWriter
from hilt.ipc.messages import StatusState, Stop
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.rundir import camera_ring
from hilt_hooks import Camera

NICENESS = 5
_POLL_S = 0.02
_LEAVE_S = 2.0


def run(setup: CamerasSetup) -> None:
    """Ends on Stop, and when the session is gone. A camera that hangs in its driver does not keep it from ending.

    The rings exist before the cameras are opened; `status-cameras.ring` has one `ready` or `failed` a camera.
    """
    ignore_interrupts()
    lower_priority(NICENESS)
    mailbox, lock, stopping = Mailbox(setup.run_dir, "cameras"), threading.Lock(), threading.Event()

    def tell(state: StatusState, *, device: str, detail: str = "") -> None:
        with lock:  # a ring has one writer
            mailbox.tell(state, device=device, detail=detail)

    followers = []
    for name, spec in setup.cameras.items():
        try:
            camera = build_camera(*spec)
            followers.append(Follower(name, camera, _rings(setup, name, camera), tell, stopping))
        except Exception as error:
            tell(StatusState.FAILED, device=name, detail=reason(error))
    threads = [threading.Thread(target=follower.run, name=follower.name, daemon=True) for follower in followers]
    for thread in threads:
        thread.start()
    while not mailbox.orphaned and not any(isinstance(message, Stop) for message in mailbox.receive()):
        stopping.wait(_POLL_S)
    stopping.set()
    for thread in threads:
        thread.join(_LEAVE_S)


def _rings(setup: CamerasSetup, name: str, camera: Camera) -> dict[str, FrameWriter]:
    return {
        stream.name: FrameWriter(setup.run_dir / camera_ring(stream_name(name, stream.name)), stream.shape, stream.dtype)
        for stream in camera.streams
    }
