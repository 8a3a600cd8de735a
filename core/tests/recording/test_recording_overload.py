"""More images than can be encoded: lower quality or flagged repeats, never a row without its image."""

import os
import time
from pathlib import Path

import pytest
from recording_samples import FPS, Bench, check_rows, one_core_run

FRAMES = 60


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to a core here")
def test_three_large_cameras_on_one_core(tmp_path: Path) -> None:
    with Bench(tmp_path, cameras=3, size=(1280, 720), frame_slots=8) as bench:
        bench.start(one_core_run)
        bench.begin(0)
        due = time.monotonic()
        for frame in range(FRAMES):
            bench.show(frame, time.monotonic_ns())
            bench.tick(0, frame)
            due += 0.25 / FPS  # four times as fast as declared, so that any machine is overloaded
            time.sleep(max(0.0, due - time.monotonic()))
        bench.end(0)
        bench.wait("saved", 0)
        log = bench.log(0)
        rows = check_rows(log)
        assert len(rows) == FRAMES
        repeats = sum(row.values["hilt.c0.repeated"][0] for row in rows)
        assert repeats > 0
        assert any("overload" in text for _, text in log.notes())
        assert len(list(log.ticks())) == FRAMES
