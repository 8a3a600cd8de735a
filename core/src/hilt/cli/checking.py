"""Which command a file is a configuration of, and what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import Factory, fields, frozen

from hilt.cli.configured import ConfigApp
from hilt.config import Compatibility, Invalid, Problem, read_file, versions
from hilt.config.problems import nearest
from hilt.kernel import Registry
from hilt_hooks import ConfigError

STATION = "station"


@frozen
class Fit:
    """A file, read as the configuration of one command. missing: fields that have to be given besides."""

    command: str
    wrong: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class Verdict:
    """fits: as what the file may be used; without any, what is wrong with it, read as the command that it is nearest to."""

    file: str
    fits: tuple[Fit, ...] = ()
    wrong: tuple[Problem, ...] = ()
    read_as: str = ""
    notes: tuple[str, ...] = Factory(tuple)

    @property
    def good(self) -> bool:
        return bool(self.fits)


def check_file(file: str, candidates: Mapping[str, ConfigApp], registry: Registry) -> Verdict:
    """Try a file as everything that it could be. candidates: command, or STATION -> what reads it."""
    try:
        data, origins = read_file(Path(file))
        keys = {str(key) for key in versions.current(data, origins.get((versions.KEY,), file))[0]}
    except ConfigError as error:
        return Verdict(file, wrong=tuple(Problem("", problem) for problem in error.problems))
    strange = {name: keys - _known(each) for name, each in candidates.items()}
    if min(map(len, strange.values())) > len(keys) / 2:
        return Verdict(file, wrong=(_no_configuration(file, keys, candidates.values()),))
    fits = [_fit(name, each, file, registry) for name, each in candidates.items()]
    good = tuple(fit for fit in fits if not fit.wrong)
    closest = min(fits, key=lambda fit: (len(strange[fit.command]), len(fit.wrong), len(fit.missing)))
    return Verdict(file, good, closest.wrong, closest.command, closest.notes)


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """`path:line: field: what is wrong`, or what the file may be used for."""
    for problem in () if verdict.good else sorted(verdict.wrong, key=_place):
        yield _line(verdict.file, problem)
    if not verdict.good:
        count = f"{len(verdict.wrong)} problem{'s' * (len(verdict.wrong) > 1)}"
        yield f"{verdict.file}: {count}{_read_as(verdict.read_as)}"
        return
    yield f"{verdict.file}: good"
    for fit in verdict.fits:
        yield f"  {_use(fit, verdict.file)}"
    yield from (f"  note: {note}" for note in verdict.notes)


def _fit(name: str, app: ConfigApp, file: str, registry: Registry) -> Fit:
    notes: list[str] = []
    try:
        app.read([f"--config={file}"], registry, notes.append)
    except Invalid as error:
        wrong = tuple(problem for problem in error.found if not problem.missing)
        missing = tuple(problem.field for problem in error.found if problem.missing)
        return Fit(name, wrong, missing, tuple(notes))
    except ConfigError as error:
        return Fit(name, tuple(Problem("", problem) for problem in error.problems), (), tuple(notes))
    return Fit(name, notes=tuple(notes))


def _known(app: ConfigApp) -> set[str]:
    """The names that a command takes at the top of a file."""
    also: Compatibility = getattr(app.config, "compatibility", Compatibility())
    elsewhere = (*also.unused, *also.moved, *also.meanings, *also.devices)
    return {each.name for each in fields(app.config)} | {name.partition(".")[0] for name in elsewhere}


def _no_configuration(file: str, keys: set[str], apps: Iterable[ConfigApp]) -> Problem:
    """What to say of a file with hardly a field that anybody knows."""
    guesses = [nearest(key, set().union(*map(_known, apps))) for key in sorted(keys)] if len(keys) == 1 else []
    text = f"no configuration: no command and no station has {_some(sorted(keys))}"
    return Problem("", f"{file}: {text}{''.join(guesses)}")


def _place(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return file, int(line) if line.isdigit() else 0


def _line(file: str, problem: Problem) -> str:
    if not problem.field:
        return problem.text
    return f"{problem.where or file}: {problem.field}: {problem.text}"


def _use(fit: Fit, file: str) -> str:
    if fit.command == STATION:
        return f"as a station: hilt COMMAND --station={file}" if not fit.missing else f"part of a station; lacks {_listed(fit)}"
    return f"{fit.command}: complete" if not fit.missing else f"{fit.command}: also needs {_listed(fit)}"


def _listed(fit: Fit) -> str:
    return ", ".join(fit.missing)


def _read_as(command: str) -> str:
    if not command:
        return ""
    return ", read as a station" if command == STATION else f", read as a configuration of {command}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
