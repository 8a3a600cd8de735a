"""A power cut, as hard as POSIX allows: what was not fsynced may be lost, or half lost.

- A file keeps at least the length that it had when its last fsync began. What came later may be cut off anywhere, and of what
  is left a part may be zeros.
- A name that was made, changed or removed since the folder's last fsync began may be so or as it was. A rename is done or not,
  never both and never neither; apart from that, names do not depend on one another.

Files are taken to be appended to only, or replaced as a whole, which is so for all that a session writes. Not modelled: damage
to what was synced, disks that lie about it, and states between two changes of the same name since the last fsync.
"""

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field

from benchmarks.kills.synced.sitecustomize import KEPT, NOTED, NOTES, append, note_folder

SYNCED = Path(__file__).with_name("synced")
"""Belongs on the PYTHONPATH of processes whose syncs are to be noted."""
ZEROS = 0.3
"""How often a part of the tail that is left is zeros."""

Names = Mapping[str, int]
"""Name in a folder -> inode."""


@define
class _Durable:
    """sizes: inode -> bytes. names: folder -> what is in it."""

    sizes: dict[int, int] = field(factory=dict)
    names: dict[str, Names] = field(factory=dict)


class Disk:
    """`root` is a folder on it. Processes that are started with `environment` note what they sync there.

    folder: an empty one, on a file system that knows hard links. What lies outside of `root` is not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.root, self.noted = folder, folder / "disk", str(folder)
        self._notes, self._kept = folder / NOTES, folder / KEPT
        for each in (self.root, self._kept):
            each.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """To be added to that of a process which has SYNCED on its PYTHONPATH."""
        return {NOTED: self.noted}

    def cut(self, chance: random.Random) -> list[str]:
        """Lose what may be lost, by chance. All processes must be gone. Says what was lost; the rest is durable from now on."""
        durable, said = self._durable(), []
        names, tails = chance.choice((0.0, 0.5, 1.0)), chance.choice((0.5, 1.0))
        for folder in self._folders():
            said += [f"{folder.relative_to(self.root)}: {what}" for what in self._undo(folder, durable, names, chance)]
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and (what := _shorten(path, durable.sizes.get(path.stat().st_ino, 0), tails, chance)):
                said.append(f"{path.relative_to(self.root)}: {what}")
        self._start_anew()
        return said

    def _durable(self) -> _Durable:
        durable = _Durable()
        if self._notes.exists():
            for note in map(json.loads, self._notes.read_text().splitlines()):
                if "folder" in note:
                    durable.names[note["folder"]] = note["names"]
                else:
                    durable.sizes[note["file"]] = max(note["size"], durable.sizes.get(note["file"], 0))
        return durable

    def _folders(self) -> Iterator[Path]:
        """From the top; what is undone above is not come to."""
        for folder, _, _ in os.walk(self.root):
            yield Path(folder)

    def _undo(self, folder: Path, durable: _Durable, share: float, chance: random.Random) -> Iterator[str]:
        before, now = durable.names.get(str(folder), {}), _names(folder)
        for group in _groups(before, now):
            if chance.random() < share:
                self._restore(folder, {name: before.get(name) for name in group}, now)
                yield f"{', '.join(sorted(group))} as before"

    def _restore(self, folder: Path, wanted: Mapping[str, int | None], now: Names) -> None:
        aside = self._folder / "aside"
        aside.mkdir()
        for name in wanted:
            if name in now:
                (folder / name).rename(aside / str(now[name]))
        for name, inode in wanted.items():
            if inode is not None:
                source = aside if (aside / str(inode)).exists() else self._kept
                _put_back(source / str(inode), folder / name)
        shutil.rmtree(aside)

    def _start_anew(self) -> None:
        shutil.rmtree(self._kept)
        self._kept.mkdir()
        self._notes.unlink(missing_ok=True)
        for folder in self._folders():
            append(str(self._notes), note_folder(str(folder), str(self._kept)))
        for path in self.root.rglob("*"):
            if path.is_file():
                about = path.stat()
                append(str(self._notes), {"file": about.st_ino, "size": about.st_size})


def _names(folder: Path) -> Names:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def _groups(before: Names, now: Names) -> list[set[str]]:
    """The names that changed; together those that a rename links."""
    groups: list[tuple[set[str], set[int]]] = []
    for name in sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        names, inodes = {name}, {of[name] for of in (before, now) if name in of}
        linked = [group for group in groups if group[1] & inodes]
        groups = [group for group in groups if not group[1] & inodes]
        groups.append((names.union(*(each for each, _ in linked)), inodes.union(*(each for _, each in linked))))
    return [names for names, _ in groups]


def _put_back(source: Path, target: Path) -> None:
    if source.is_dir():
        source.rename(target)
    else:
        os.link(source, target)


def _shorten(path: Path, synced: int, share: float, chance: random.Random) -> str:
    """Cut off, or turn into zeros, what came after `synced` bytes. Says what was done, if anything."""
    size = path.stat().st_size
    if size <= synced or chance.random() >= share:
        return ""
    kept = chance.choice((synced, chance.randint(synced, size)))
    length = chance.randint(kept, size) if chance.random() < ZEROS else kept
    os.truncate(path, kept)
    os.truncate(path, length)
    zeros = f", the last {length - kept} of them zeros" if length > kept else ""
    return f"{length} of {size} bytes left{zeros} ({synced} were synced)"
