"""Columns and rows agree."""

import math

import pytest
from recording_samples import Bench

from hilt.ipc.messages import ChunkMessage, Phase, Segment, Source
from hilt.recording.columns import Seen, columns, values
from hilt_hooks import ConfigError


def test_a_row_has_a_value_of_the_right_shape_for_every_column(bench: Bench) -> None:
    cameras = {camera.name: Seen(12.5, repeated=False) for camera in bench.cameras}
    tick = bench.tick(0, 0, phase=Phase.HUMAN, source=Source.HUMAN, segment=Segment.CORRECTION, epoch=1)
    row = values(tick, started_ns=tick.time_ns - 5, boundary=True, inference_ms=4.0, cameras=cameras)
    assert {name: [len(value)] for name, value in row.items()} == {column.name: column.shape for column in bench.header.columns}
    meaning = {column.name: column.meaning for column in bench.header.columns if column.meaning}
    assert row["hilt.source"] == [meaning["hilt.source"]["human"]]
    assert row["hilt.segment"] == [meaning["hilt.segment"]["correction"]]
    assert row["intervention"] == row["hilt.boundary"] == [True]
    assert row["hilt.time_ns"] == [5]
    assert row["hilt.policy"] == row["hilt.success"] == [-1]
    assert all(math.isnan(value) for name in ("hilt.proposed", "hilt.inference_ms") for value in row[name])
    assert row["hilt.measured_age_ms"] == [1.0, 0.0]


def test_a_demonstration_is_no_intervention(bench: Bench) -> None:
    tick = bench.tick(0, 0, phase=Phase.HUMAN, source=Source.HUMAN, segment=Segment.CORRECTION, epoch=0)
    assert values(tick, started_ns=0, boundary=False, inference_ms=0.0, cameras={})["intervention"] == [False]


def test_an_arm_that_is_held_under_a_person_is_no_intervention(bench: Bench) -> None:
    tick = bench.tick(0, 0, phase=Phase.HUMAN, source=Source.HOLD, segment=Segment.CORRECTION, epoch=1)
    assert values(tick, started_ns=0, boundary=False, inference_ms=0.0, cameras={})["intervention"] == [False]


def test_what_a_policy_proposed_carries_its_id_and_how_long_it_took(bench: Bench) -> None:
    tick = bench.tick(0, 0, proposed=[7.0, 8.0])
    row = values(tick, started_ns=0, boundary=False, inference_ms=4.0, cameras={})
    assert (row["hilt.proposed"], row["hilt.policy"], row["hilt.inference_ms"]) == ([7.0, 8.0], [0], [4.0])
    declared = {column.name: column for column in columns(["a"], ["a"], [], policy="act@3")}
    assert declared["hilt.policy"].meaning == {"none": -1, "act@3": 0}


def test_inference_times_follow_the_chunk_that_is_in_force(bench: Bench) -> None:
    def chunk(number: int) -> ChunkMessage:
        return ChunkMessage(
            epoch=1,
            id=number,
            observed_ns=0,
            consumed=0,
            started_ns=0,
            finished_ns=number * 10**6,
            actions=[[1.0, 2.0]],
            model=[[0.0]],
        )

    bench.start()
    bench.begin(0)
    bench.tick(0, inputs=[chunk(1)])
    bench.tick(0, 0, proposed=[1.0, 2.0], chunk=1, inputs=[chunk(2)])
    bench.tick(0, 1, proposed=[1.0, 2.0], chunk=2)
    bench.tick(0, 2, chunk=2)
    bench.end(0)
    bench.wait("saved", 0)
    times = [row.values["hilt.inference_ms"][0] for row in bench.log(0).rows()]
    assert times[:2] == [1.0, 2.0]
    assert math.isnan(times[2])


@pytest.mark.parametrize("name", ["", "wrist/left"])
def test_names_that_cannot_be_columns(name: str, bench: Bench) -> None:
    from hilt.ipc.messages import CameraColumn

    with pytest.raises(ConfigError, match="may not be empty or contain '/'"):
        columns(["a"], ["a"], [CameraColumn(name=name, height=2, width=2, channels=3)])
