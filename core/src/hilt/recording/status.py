"""What the recorder says to the session."""

from pathlib import Path

from hilt.ipc.messages import Status, encode
from hilt.ipc.ring import RingWriter

RECORDER = "recorder"
"""The device of a status about recording: without it there is no session."""
DATASET = "dataset"
"""The device of a status about the dataset, which can be made complete later."""
DETAIL_BYTES = 3000
"""The longest detail that arrives whole."""

_SLOT_BYTES = 4096


class StatusWriter:
    def __init__(self, run_dir: Path) -> None:
        self._ring = RingWriter(run_dir / "status-recorder.ring", slot_bytes=_SLOT_BYTES, slots=256)

    def __call__(self, status: Status) -> None:
        detail = status.detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
        self._ring.write(encode(Status(device=status.device, state=status.state, detail=detail, episode=status.episode)))
