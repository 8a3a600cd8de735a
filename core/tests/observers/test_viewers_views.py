from pathlib import Path

from viewers_stage import HEADER, TICK_NS, camera, frame, tick

from hilt.ipc.messages import encode
from hilt.ipc.ring import RingWriter
from hilt.ipc.rundir import TICK
from hilt.observers.views import Views, session_info


def test_a_view_is_the_newest_tick_by_name(tmp_path: Path) -> None:
    rig, views = RingWriter(tmp_path / TICK, slot_bytes=4096, slots=8), Views(tmp_path, HEADER)
    for k in (1, 2):
        rig.write(encode(tick(k, proposed=[7.0, 8.0])))
    assert views.listen() == (True, "")
    view = views.newest()
    assert view is not None
    assert (view.time_ns, view.episode) == (2 * TICK_NS, 2)
    assert (view.phase, view.source, view.segment) == ("human", "human", "correction")
    assert view.measured.vector.as_dict() == {"a.pos": 1.5, "b.pos": 2.5, "a.current": 0.1}
    assert view.measured.fresh.tolist() == [True, False, True]
    assert view.measured.times.tolist() == [2 * TICK_NS + 4, 2 * TICK_NS - 995, 2 * TICK_NS + 3]
    assert view.sent.as_dict() == {"a.pos": 1.0, "b.pos": 2.0}
    assert view.requested.as_dict() == {"a.pos": 3.0, "b.pos": 4.0}
    assert view.proposed is not None
    assert view.proposed.as_dict() == {"a.pos": 7.0, "b.pos": 8.0}
    assert view.leader is not None
    assert view.leader.as_dict() == {"a.pos": 5.0, "b.pos": 6.0}


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    views = Views(tmp_path, HEADER)
    assert views.listen() == (False, "")
    assert views.newest() is None
    rig = RingWriter(tmp_path / TICK, slot_bytes=4096, slots=8)
    rig.write(encode(tick(0, leader_fresh=False)))
    views.listen()
    view = views.newest()
    assert view is not None
    assert view.leader is None
    assert view.proposed is None
    assert view.images == {}


def test_the_newest_frame_of_each_camera(tmp_path: Path) -> None:
    rig, views = RingWriter(tmp_path / TICK, slot_bytes=4096, slots=8), Views(tmp_path, HEADER)
    rig.write(encode(tick(0)))
    views.listen()
    views.newest()
    front = camera(tmp_path, "front")
    for value in (4, 5):
        front.write(frame(value))
    view = views.newest()
    assert view is not None
    assert [(name, image.stream, image.sequence) for name, image in view.images.items()] == [("front", "front", 5)]
    assert view.images["front"].image.tolist() == frame(5).image.tolist()
    assert not view.images["front"].image.flags.writeable


def test_the_frame_stays_until_the_next_episode(tmp_path: Path) -> None:
    rig, views = RingWriter(tmp_path / TICK, slot_bytes=4096, slots=8), Views(tmp_path, HEADER)
    frames = []
    for changed in ({"frame": 6}, {}, {"episode": 3}, {"episode": 3, "frame": 0}):
        rig.write(encode(tick(0, **changed)))
        views.listen()
        view = views.newest()
        frames.append(view and view.frame)
    assert frames == [6, 6, -1, 0]


def test_the_newest_alarm_since_the_last_time(tmp_path: Path) -> None:
    rig, views = RingWriter(tmp_path / TICK, slot_bytes=4096, slots=8), Views(tmp_path, HEADER)
    for each in (tick(0, alarm="slow"), tick(1, fault="silent"), tick(2)):
        rig.write(encode(each))
    assert views.listen() == (True, "silent")
    rig.write(encode(tick(3)))
    assert views.listen() == (True, "")


def test_what_is_known_from_the_start() -> None:
    info = session_info(HEADER, "Push the cube")
    assert (info.session, info.robot, info.task, info.fps) == ("today", "arm", "Push the cube", 30)
    assert (info.state, info.actions, info.leader) == (("a.pos", "b.pos", "a.current"), ("a.pos", "b.pos"), ("b.pos", "a.pos"))
    assert info.cameras == {"front": (2, 3, 3), "wrist": (2, 3, 3)}
