"""Rules for recorders: each saved episode is in the dataset once and whole, whatever happens on the way."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from hilt_hooks.errors import ConfigError, HiltError
from hilt_hooks.testing.audit import outside_events
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect, handle
from hilt_hooks.testing.recorder_rig import Ended, OtherProcess, RecorderBench, RecorderCase, other_process

_KILLS = 8
"""A process is killed before so many changes to files, and in the first write to so many files, spread over all of them."""
_LIMITS = 3
"""And in the middle of files of so many sizes, for what is written without Python's knowledge."""


def validate_accepts(case: RecorderCase) -> None:
    with case.bench() as bench:
        _accepts(bench, "before there is a dataset")
        expect(not bench.rig.lengths(), "a dataset that is not there yet has episodes")
        bench.add(0)
        _accepts(bench, "for a dataset of the same kind")


def _accepts(bench: RecorderBench, when: str) -> None:
    recorder, before = bench.build(), (bench.rig.folder.exists(), bench.files())
    with outside_events() as seen:
        recorder.validate(bench.rig.header)
    written = [str(each) for each in seen if not each.reads]
    expect((bench.rig.folder.exists(), bench.files()) == before, f"{when}, validate changes files: {', '.join(written)}")
    expect(not written, f"{when}, validate does more than read: {', '.join(written)}")


def validate_refuses(case: RecorderCase) -> None:
    with case.bench() as bench:
        if not bench.rig.refused:
            raise NotExercised("the rig has no `refused` headers")
        bench.add(0)
        before = bench.files()
        for name, header in bench.rig.refused.items():
            _refuses(bench, name, header)
        expect(bench.files() == before, "validate changes the dataset when it refuses a header")


def _refuses(bench: RecorderBench, name: str, header: Mapping[str, Any]) -> None:
    try:
        bench.build().validate(header)
    except ConfigError as error:
        expect(name in str(error), f"the error for a header that does not fit does not name {name}: {error}")
        long = [problem for problem in error.problems if "\n" in problem]
        expect(not long, f"a problem of several lines: {long[:1]}")
    except Exception as error:
        raise NotConforming(f"a header that does not fit in {name} raises {error!r}, not ConfigError") from error
    else:
        raise NotConforming(f"a header that does not fit in {name} is accepted")


def rows_are_frames(case: RecorderCase) -> None:
    with case.bench() as bench:
        numbers = range(len(bench.logs))
        bench.add(*numbers)
        bench.expect_holds(*numbers, when="after adding them")


def adds_once(case: RecorderCase) -> None:
    with case.bench() as bench:
        recorder = bench.add(0, 1)
        wanted = bench.content()
        for who in (recorder, bench.build()):
            who.add(bench.logs[0])
            who.add(bench.logs[1])
            who.finish()
            bench.expect_content(wanted, "after adding an episode twice")


def goes_on(case: RecorderCase) -> None:
    wanted = case.content_of(0, 1)
    with case.bench() as bench:
        bench.add(0)
        bench.add(1)
        bench.expect_content(wanted, "when a later recorder adds the second episode")


def knows_moved_logs(case: RecorderCase) -> None:
    """A dataset is copied to another disk together with its logs, and every log is added anew by the next session."""
    with case.bench() as bench, _elsewhere(bench.logs[0]) as moved:
        bench.add(0)
        wanted = bench.content()
        shutil.copy2(bench.logs[0], moved)
        recorder = bench.build()
        recorder.add(moved)
        recorder.finish()
        bench.expect_content(wanted, "after adding a log again from another folder")


@contextmanager
def _elsewhere(log: Path) -> Iterator[Path]:
    """A path in another place, with the same session and name. Nothing is there yet."""
    with TemporaryDirectory() as place:
        moved = Path(place) / log.parent.name / log.name
        moved.parent.mkdir()
        yield moved


@frozen
class _Kills:
    """Episodes added in a process that is killed, and added again."""

    case: RecorderCase
    other: OtherProcess
    wanted: object

    def undisturbed(self) -> tuple[Ended, list[int]]:
        """How that ends when nobody kills it, and how large the files are."""
        with self.case.bench() as bench:
            ended = _add_in(self.other, bench)
            sizes = sorted({len(data) for data in bench.files().values()} - {0})
            bench.build().finish()
            bench.expect_content(self.wanted, "when another process adds the episodes")
            return ended, sizes

    def survives(self, when: str, **kill: Any) -> bool:
        """Whether the process was killed. Raises NotConforming if that did any harm."""
        with self.case.bench() as bench:
            ended = _add_in(self.other, bench, **kill)
            try:
                bench.add(0, 1)
            except Exception as error:
                raise NotConforming(f"killed {when}, and called again, adding raises {error!r}") from error
            bench.expect_content(self.wanted, f"killed {when}, and called again")
            return ended.status < 0


def _add_in(other: OtherProcess, bench: RecorderBench, *more: tuple[str], **kill: Any) -> Ended:
    """Let it add two episodes, and then make the calls in `more`."""
    calls: list[tuple[str, *tuple[Path, ...]]] = [*(("add", log) for log in bench.logs[:2]), *more]
    return other.call(bench.case.descriptor.factory, bench.rig.config, bench.rig.folder, calls, **kill)


def survives_kills(case: RecorderCase) -> None:
    wanted = case.content_of(0, 1)
    with other_process() as other:
        kills = _Kills(case, other, wanted)
        normal, sizes = kills.undisturbed()
        every = range(len(normal.changes))
        opened = [at for at in every if normal.changes[at] == "open"]
        killed = [kills.survives(f"before its change {at + 1} to files", kill_at=at) for at in _spread(every, _KILLS)]
        for at in _spread(opened, _KILLS):
            killed.append(kills.survives(f"in the write after its change {at + 1} to files", kill_at=at, torn=True))
        for size in _spread(sizes, _LIMITS):
            killed.append(kills.survives(f"while it writes byte {size // 2 + 1} of a file", limit=size // 2))
    if not any(killed):
        raise NotExercised("adding changes no file below the rig's folder")


def _spread(numbers: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of them, evenly, with the first and the last."""
    if len(numbers) <= most:
        return numbers
    return [numbers[round(index * (len(numbers) - 1) / (most - 1))] for index in range(most)]


def finish_completes(case: RecorderCase) -> None:
    wanted = case.content_of(0, 1)
    with case.bench() as bench, other_process() as other:
        _add_in(other, bench, ("finish",))
        bench.expect_content(wanted, "after finish, in a process that ended without tidying up")


def takes_back(case: RecorderCase) -> None:
    wanted = case.content_of(0)
    with case.bench() as bench:
        last = bench.logs[1]
        recorder = bench.add(0, 1)
        for what, who in (("", recorder), (" twice", recorder), (" twice, by another recorder", bench.build())):
            who.remove(last)
            who.finish()
            bench.expect_content(wanted, f"after taking back the last episode{what}")


def takes_back_without_log(case: RecorderCase) -> None:
    wanted = case.content_of(0)
    with case.bench() as bench, _elsewhere(bench.logs[1]) as gone:
        bench.add(0, 1)
        recorder = bench.build()
        try:
            recorder.remove(gone)
        except Exception as error:
            raise NotConforming(f"taking back an episode whose log is gone raises {error!r}") from error
        recorder.finish()
        bench.expect_content(wanted, "after taking back an episode whose log is gone")


def taking_back_leaves_nothing(case: RecorderCase) -> None:
    wanted = case.content_of(1)
    with case.bench() as bench:
        recorder = bench.add(0)
        recorder.remove(bench.logs[0])
        recorder.add(bench.logs[1])
        recorder.finish()
        bench.expect_content(wanted, "after the only episode was taken back and another one added")


def logs_stay(case: RecorderCase) -> None:
    with case.bench() as bench:
        before = _logs(bench)
        recorder = bench.add(0, 1)
        recorder.remove(bench.logs[1])
        recorder.finish()
        expect(_logs(bench) == before, "the recorder changes the folder of the logs: it may only read there")


def _logs(bench: RecorderBench) -> dict[Path, tuple[bytes, int]]:
    """Every file beside the logs, with its content and when it was changed."""
    files = {path for log in bench.logs for path in log.parent.iterdir() if path.is_file()}
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def unreadable_changes_nothing(case: RecorderCase) -> None:
    wanted = case.content_of(0, 1)
    with case.bench() as bench, _elsewhere(bench.logs[1]) as damaged:
        recorder = bench.add(0)
        before = bench.content()
        damaged.write_bytes(b"this is no log")
        _expect_raises("a log that is damaged", lambda: recorder.add(damaged))
        recorder.finish()
        bench.expect_content(before, "after a log that is damaged")
        recorder.add(bench.logs[1])
        recorder.finish()
        bench.expect_content(wanted, "after a log that is damaged, and then the whole one")


def _expect_raises(what: str, add: Callable[[], object], error: type[Exception] = Exception) -> None:
    try:
        add()
    except error:
        return
    except Exception as other:
        raise NotConforming(f"{what} raises {other!r}, not {error.__name__}") from other
    raise NotConforming(f"{what} is added")


def unsaved_stays_out(case: RecorderCase) -> None:
    with case.bench() as bench:
        unsaved = handle(bench.rig, "unsaved")
        recorder = bench.add(0)
        wanted = bench.content()
        _expect_raises("an episode that was not saved", lambda: recorder.add(unsaved), HiltError)
        recorder.finish()
        bench.expect_content(wanted, "after refusing an episode that was not saved")


def summary_says_what_there_is(case: RecorderCase) -> None:
    with case.bench() as bench:
        summaries = [_summary(bench.build())]
        for number in (0, 1):
            recorder = bench.add(number)
            summaries.append(_summary(recorder))
        before = bench.content()
        expect(_summary(bench.build()) == summaries[-1], "asked twice, finish gives two summaries")
        bench.expect_content(before, "after finish with nothing to do")
    expect(len(set(summaries)) == 3, f"the summary does not show how much there is: {summaries[-1]}")


def _summary(recorder: Any) -> str:
    summary = recorder.finish()
    expect(isinstance(summary, Mapping), f"the summary is a {type(summary).__name__}, not a mapping")
    expect(all(isinstance(key, str) for key in summary), f"the summary has keys that are no names: {[*summary]}")
    return json.dumps(dict(summary), default=str)
