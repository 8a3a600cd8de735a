"""`hilt find-cameras`: a picture of every camera, and the fields by which it is configured."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console

from hilt.cli.layout import labelled, width_of
from hilt.config import structure
from hilt.kernel import Registry, build, load
from hilt.kernel.blame import blame
from hilt.tools.config import FindCamerasConfig
from hilt.tools.flags import flow, given
from hilt.tools.pictures import write_png
from hilt_hooks import Camera, CameraDescriptor, FoundCamera, HiltError, Typed

FIRST_FRAME_S = 5.0


@frozen(kw_only=True)
class Candidate:
    """A camera to take a picture with. name: in the configuration, "" for one that was found. typed: None if it is no use."""

    name: str
    type: str
    typed: Typed | None
    identity: str
    modes: tuple[str, ...] = ()
    problem: str = ""


@frozen
class Seen:
    """What came of a candidate: the picture, or why there is none."""

    candidate: Candidate
    picture: Path | None
    problem: str = ""


def find_cameras(config: FindCamerasConfig, registry: Registry, console: Console) -> int:
    candidates = [*_configured(config.robot), *_found(config, registry)]
    if not candidates:
        console.print("No camera is here. Plug one in; of network cameras, give --addresses='[http://...]'.", markup=False)
        return 1
    config.output_dir.mkdir(parents=True, exist_ok=True)
    seen = [_look(each, config.output_dir, registry) for each in candidates]
    for number, each in enumerate(seen):
        if number:
            console.print()
        _show(each, console)
    if flag := _flag([each.candidate for each in seen if each.picture and each.candidate.typed and not each.candidate.name]):
        console.print("\nRename the cameras by what they see, and copy:")
        console.print(flag, soft_wrap=True, markup=False, highlight=False)
    return 0 if all(each.picture for each in seen) else 1


def _configured(robot: Typed | None) -> Iterator[Candidate]:
    listed: Mapping[str, Typed] = {} if robot is None else getattr(robot.config, "cameras", {})
    for name, typed in listed.items():
        yield Candidate(name=name, type=typed.type, typed=typed, identity="")


def _found(config: FindCamerasConfig, registry: Registry) -> Iterator[Candidate]:
    """What each type of camera finds; a type that cannot look is a row."""
    for descriptor in registry.all(CameraDescriptor):
        if not descriptor.finder:
            continue
        try:
            listed = load(descriptor, descriptor.finder)(config.addresses)
            yield from [_candidate(descriptor, each, registry) for each in listed]
        except Exception as error:  # the other types are looked for all the same
            problem = blame(descriptor, error, registry)
            yield Candidate(name="", type=descriptor.name, typed=None, identity=descriptor.name, problem=problem)


def _candidate(descriptor: CameraDescriptor, found: FoundCamera, registry: Registry) -> Candidate:
    return Candidate(
        name="",
        type=descriptor.name,
        typed=Typed(descriptor.name, structure(descriptor.config, found.config, registry)) if found.config else None,
        identity=found.identity,
        modes=tuple(found.modes),
        problem=found.problem,
    )


def _look(candidate: Candidate, folder: Path, registry: Registry) -> Seen:
    if candidate.typed is None or candidate.problem:
        return Seen(candidate, None, candidate.problem)
    try:
        image = _picture(build(registry.find(CameraDescriptor, candidate.type), candidate.typed.config))
    except (HiltError, TimeoutError) as error:
        return Seen(candidate, None, str(error))
    except Exception as error:  # the other cameras are looked at all the same
        return Seen(candidate, None, blame(registry.find(CameraDescriptor, candidate.type), error, registry))
    picture = folder / f"{_file_name(candidate)}.png"
    write_png(picture, image)
    return Seen(candidate, picture)


def _picture(camera: Camera) -> Any:
    try:
        camera.connect()
        return camera.read(FIRST_FRAME_S).image
    finally:
        camera.disconnect()


def _file_name(candidate: Candidate) -> str:
    """As LeRobot calls its pictures: the type, two underscores, what the camera is called."""
    first = next(iter(given(candidate.typed).values()), "") if candidate.typed else ""
    what = candidate.name or str(first)
    return f"{candidate.type}__{re.sub(r'[^0-9A-Za-z.-]+', '_', what).strip('_')}"


def _show(seen: Seen, console: Console) -> None:
    candidate = seen.candidate
    title = f"{candidate.name} ({candidate.type})" if candidate.name else candidate.identity
    console.print(title, style="bold", markup=False, highlight=False)
    for label, text in _facts(seen):
        console.print(labelled(label, text, width_of(console)), soft_wrap=True)


def _facts(seen: Seen) -> Iterator[tuple[str, str]]:
    typed = seen.candidate.typed
    if typed is not None:
        yield "configured as", flow({"type": typed.type, **given(typed)})
    for number, mode in enumerate(seen.candidate.modes):
        yield "has" if not number else " ", mode
    if seen.picture:
        yield "picture", str(seen.picture)
    else:
        yield "no picture", seen.problem


def _flag(found: list[Candidate]) -> str:
    """The cameras of a robot, ready to copy."""
    cameras = {f"camera{number}": {"type": each.type, **given(each.typed)} for number, each in enumerate(found, 1) if each.typed}
    return f"--robot.cameras='{flow(cameras)}'" if cameras else ""
