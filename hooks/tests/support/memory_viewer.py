"""A viewer in memory that keeps every rule: what it shows can be read off a screen."""

from attrs import define, field, frozen

from hilt_hooks import ConnectError, DeviceLost, SessionInfo, View, ViewerDescriptor, option


@define
class Screen:
    lines: list[str] = field(factory=list)
    on: bool = True

    def switch_off(self) -> None:
        self.on = False

    def count(self) -> int:
        return len(self.lines)


SCREENS: dict[str, Screen] = {}
"""Address -> what is connected to it."""


@frozen(kw_only=True)
class ScreenConfig:
    address: str = option(help="Which screen in memory")


class MemoryViewer:
    """Writes a line a view, and sends them when it is closed."""

    def __init__(self, config: ScreenConfig) -> None:
        self.config = config
        self._screen: Screen | None = None
        self._lines: list[str] = []
        self._cameras: tuple[str, ...] = ()

    def open(self, session: SessionInfo) -> None:
        if self.config.address not in SCREENS:
            raise ConnectError(f"no screen at {self.config.address}")
        self._screen, self._cameras = SCREENS[self.config.address], tuple(session.cameras)

    def show(self, view: View) -> None:
        if self._screen is None or not self._screen.on:
            raise DeviceLost(f"the screen at {self.config.address} is off")
        self._lines.append(self.line(view))

    def line(self, view: View) -> str:
        images = {name: view.images[name].sequence for name in self._cameras if name in view.images}
        proposed = view.proposed.as_dict() if view.proposed else "nothing"
        leader = view.leader.as_dict() if view.leader else "nowhere"
        return f"{view.phase} {view.measured.vector.as_dict()} {proposed} {leader} {images} {view.alarm}"

    def close(self) -> None:
        if self._screen is not None:
            self._screen.lines += self._lines
        self._screen, self._lines = None, []


def viewer(factory: str = "memory_viewer:MemoryViewer") -> ViewerDescriptor:
    return ViewerDescriptor(name="memory_viewer", summary="A screen in memory", config=ScreenConfig, factory=factory)
