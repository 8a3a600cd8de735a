"""Cameras and inputs, as the doctor sees them: all cameras at once, as a session has them."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from attrs import frozen
from rich.console import Console

from hilt.kernel import Registry, build
from hilt.tools.findings import Finding, Level, Section, wrong
from hilt_hooks import Camera, CameraDescriptor, DeviceLost, Edge, HiltError, Identifiable, Input, InputDescriptor, Typed
from hilt_hooks.usb import root

MEASURED_S = 2.0
FIRST_FRAME_S = 5.0
ENOUGH = 0.9
"""The share of the asked-for frames that a camera has to give."""
USB2_MBYTE_S = 35.0
"""What a USB 2 bus carries of images, about."""
_USB2_MBIT_S = 480


@frozen
class Measured:
    """One camera. rate: frames a second; raw: what it would send uncompressed, MB/s. usb: its bus, "" if it has none."""

    name: str
    asked: float
    rate: float
    size: str
    raw: float
    identity: Mapping[str, str]


def camera_section(cameras: Mapping[str, Typed], registry: Registry) -> Section:
    """All of them are open at the same time: that is where a bus is too narrow."""
    with ThreadPoolExecutor(max(1, len(cameras))) as pool:
        results = list(pool.map(_try, cameras, cameras.values(), [registry] * len(cameras)))
    measured = [each for each in results if isinstance(each, Measured)]
    findings = [_camera(each) if isinstance(each, Measured) else each for each in results]
    return Section("cameras, all at once", [*findings, *_shared(measured)])


def _try(name: str, typed: Typed, registry: Registry) -> Measured | Finding:
    try:
        camera: Camera = build(registry.find(CameraDescriptor, typed.type), typed.config)
    except HiltError as error:
        return wrong(name, error)
    try:
        camera.connect()
        return _measure(name, camera)
    except TimeoutError as error:
        return wrong(name, error, "plug it into another USB port, not behind a hub")
    except HiltError as error:
        return wrong(name, error)
    finally:
        camera.disconnect()


def _measure(name: str, camera: Camera) -> Measured:
    first = last = camera.read(FIRST_FRAME_S)
    while last.time_ns - first.time_ns < MEASURED_S * 1e9:
        last = camera.read(FIRST_FRAME_S)
    rate = (last.sequence - first.sequence) * 1e9 / (last.time_ns - first.time_ns)
    height, width, _ = last.image.shape
    identity = camera.identify() if isinstance(camera, Identifiable) else {}
    return Measured(name, camera.fps, rate, f"{width}x{height}", width * height * 2 * camera.fps / 1e6, identity)


def _camera(each: Measured) -> Finding:
    known = (each.identity.get(key, "") for key in ("device", "path", "address"))
    where, usb = next(filter(None, known), ""), each.identity.get("usb", "")
    at = "".join([f"; {where}" if where else "", f" on USB {usb}" if usb else ""])
    text = f"{each.size}, {each.rate:.1f} of {each.asked:g} frames a second, {each.raw:.0f} MB/s uncompressed{at}"
    if each.rate >= ENOUGH * each.asked:
        return Finding(each.name, text)
    advice = "more light (a long exposure halves the rate), fourcc MJPG, a smaller size, or a USB port of its own"
    return Finding(each.name, text, Level.WRONG, advice)


def _shared(measured: Sequence[Measured]) -> Iterator[Finding]:
    """Cameras that share a USB 2 bus fit on it compressed only."""
    buses: dict[str, list[Measured]] = defaultdict(list)
    for each in measured:
        if each.identity.get("speed", "").isdecimal() and int(each.identity["speed"]) <= _USB2_MBIT_S:
            buses[each.identity["usb"].partition("-")[0]].append(each)
    for bus, members in buses.items():
        if len(members) > 1 and (raw := sum(each.raw for each in members)) > USB2_MBYTE_S:
            names = " and ".join(each.name for each in members)
            text = (
                f"{names} share USB bus {bus}, {raw:.0f} MB/s uncompressed, where about {USB2_MBYTE_S:.0f} fit: keep them at MJPG"
            )
            yield Finding("bandwidth", text, Level.NOTE)


def input_section(inputs: Sequence[Typed], press_s: float, registry: Registry, console: Console) -> Section:
    findings, live = [], []
    for typed in inputs:
        try:
            device: Input = build(registry.find(InputDescriptor, typed.type), typed.config)
            device.connect()
        except HiltError as error:
            findings.append(wrong(typed.type, error))
            continue
        live.append((typed.type, device))
    try:
        pressed, lost = _pressed(live, press_s, console)
    finally:
        for _, device in live:
            device.disconnect()
    for name, device in live:
        findings.append(lost[name] if name in lost else Finding(name, _live(device, pressed[name], press_s)))
    findings += _event_devices()
    return Section(
        "inputs", findings or [Finding("none", "no input is named, and there is no terminal for a keyboard", Level.NOTE)]
    )


def _pressed(
    live: Sequence[tuple[str, Input]], press_s: float, console: Console
) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Finding]]:
    """Which controls of which input were pressed while it was listened to, and which inputs went away meanwhile."""
    pressed: dict[str, list[str]] = defaultdict(list)
    lost: dict[str, Finding] = {}
    if live and press_s:
        console.print(f"Press the keys, pedals and buttons now; this listens for {press_s:g} s ...")
    until = time.monotonic() + press_s
    while time.monotonic() < until:
        time.sleep(0.01)
        for name, device in live:
            if name in lost:
                continue
            try:
                pressed[name] += [event.control for event in device.read() if event.edge is Edge.PRESS]
            except DeviceLost as error:
                lost[name] = wrong(name, error)
    return pressed, lost


def _live(device: Input, pressed: Sequence[str], press_s: float) -> str:
    if press_s:
        heard = ", ".join(f"{control} ({_means(device, control)})" for control in dict.fromkeys(pressed))
        return f"pressed: {heard}" if heard else "opens; nothing was pressed"
    return "opens; --press_s=10 shows what is pressed"


def _means(device: Input, control: str) -> str:
    bound = device.bindings.get(control, "nothing here")
    return bound if isinstance(bound, str) else ", ".join(f"{event} in {phase}" for phase, event in bound.items())


def _event_devices() -> Iterator[Finding]:
    """The keyboards, pedals and gamepads that the kernel knows, and whether we may read them."""
    folder = root() / "dev/input"
    nodes = sorted(folder.glob("event*")) if folder.is_dir() else []
    barred = []
    for node in nodes:
        name = root() / "sys/class/input" / node.name / "device/name"
        told = f"{node.name} ({name.read_text().strip()})" if name.is_file() else node.name
        if not os.access(node, os.R_OK):
            barred.append(told)
        else:
            yield Finding("readable", told)
    if barred:
        advice = "only if a pedal or gamepad is to be read: sudo usermod -a -G input $USER, then log in again"
        yield Finding("not readable", ", ".join(barred), Level.NOTE, advice)
