"""One access unit an image, there at once, decodable from any keyframe on."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilt.ipc.messages import CameraColumn
from hilt.log.video import decode
from hilt.recording.video import Encoder
from hilt_hooks import ConfigError

CAMERA = CameraColumn(name="front", height=48, width=64, channels=3)
SPS, PPS, IDR, SLICE = 7, 8, 5, 1


def picture(shade: int) -> np.ndarray:
    image = np.full((48, 64, 3), 40, np.uint8)
    image[:, : 2 + shade % 60] = (200, 30, shade)
    return image


def units(packet: bytes) -> list[int]:
    """The types of the NAL units in an Annex B packet."""
    return [part[0] & 31 for part in packet.split(b"\0\0\1")[1:]]


step = st.tuples(st.one_of(st.none(), st.integers(0, 255)), st.booleans())


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(step, min_size=1, max_size=24), start=st.integers(0, 23))
def test_any_order_of_images_repeats_and_keyframes(steps: list[tuple[int | None, bool]], start: int) -> None:
    encoder, packets, shown = Encoder(CAMERA, 30), [], []
    image = np.zeros((48, 64, 3), np.uint8)
    for shade, keyframe in steps:
        if shade is None:
            packets.append(encoder.repeat(keyframe))
        else:
            image = picture(shade)
            packets.append(encoder.encode(image, keyframe))
        shown.append(image)
        kinds = units(packets[-1])
        assert sum(kind in {IDR, SLICE} for kind in kinds) == 1
        assert (IDR in kinds) == (SPS in kinds) == (PPS in kinds)
        assert IDR in kinds or not keyframe
    keyframes = [at for at, packet in enumerate(packets) if IDR in units(packet)]
    assert keyframes[0] == 0
    assert all(after - before <= 2 for before, after in pairwise(keyframes))
    first = max(at for at in keyframes if at <= start)
    images = list(decode(packets[first:]))
    assert len(images) == len(packets) - first
    for decoded, original in zip(images, shown[first:], strict=True):
        assert np.abs(decoded.astype(int) - original).mean() < 6


def test_an_image_is_not_changed_and_may_be_read_only() -> None:
    image = picture(7)
    image.setflags(write=False)
    assert Encoder(CAMERA, 30).encode(image, True)
    np.testing.assert_array_equal(image, picture(7))


def test_every_packet_is_there_before_the_next_image() -> None:
    encoder = Encoder(CAMERA, 30)
    packets = [encoder.encode(picture(3 * n), False) for n in range(10)]
    assert all(packets)
    assert len(list(decode(packets[:1]))) == 1


@pytest.mark.parametrize(
    ("camera", "complaint"),
    [
        (CameraColumn(name="top", height=480, width=641, channels=3), "camera top: 641x480x3 uint8 .* set the camera to 640x480"),
        (CameraColumn(name="depth", height=480, width=640, channels=1, dtype="uint16"), "only colour images"),
    ],
)
def test_what_cannot_be_encoded_is_refused(camera: CameraColumn, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Encoder(camera, 30)


def test_an_image_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"camera front: an image of shape \(48, 32, 3\)"):
        Encoder(CAMERA, 30).encode(picture(0)[:, :32], False)
