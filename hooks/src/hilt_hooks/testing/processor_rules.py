"""Rules for processors: what they read and write is what they declare, and they leave everything else alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from hilt_hooks.errors import HiltError
from hilt_hooks.processors import HasState, Transition
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.processor_rig import PARTS, ProcessorBench, ProcessorCase, arrays_of, changed, same
from hilt_hooks.testing.protocols import implements

_UNKNOWN = "conformance.unknown"
_ABSENT = Transition()
_TYPES: Mapping[str, tuple[type, ...]] = {
    "action": (np.ndarray, type(None)),
    "reward": (float, type(None)),
    "terminated": (bool,),
    "truncated": (bool,),
}


def results_are_transitions(case: ProcessorCase) -> None:
    with case.bench() as bench:
        wrong = [problem for result in bench.fresh() for problem in _malformed(result)]
    expect(not wrong, "; ".join(dict.fromkeys(wrong)))


def _malformed(result: Any) -> Iterator[str]:
    if not isinstance(result, Transition):
        yield f"the result is a {type(result).__name__}, not a Transition"
        return
    for part in ("observation", "info"):
        content = getattr(result, part)
        if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
            yield f"{part} is no mapping from names"
    for part, types in _TYPES.items():
        if not isinstance(getattr(result, part), types):
            yield f"{part} is a {type(getattr(result, part)).__name__}"


def writes_as_declared(case: ProcessorCase) -> None:
    declared = case.descriptor.writes
    _expect_parts(declared)
    with case.bench() as bench:
        wrote = changed(bench.episode(), bench.fresh())
    beyond = [part for part in wrote if part not in declared]
    expect(not beyond, f"it changes {', '.join(beyond)}, which it does not declare to write")
    idle = [part for part in declared if part not in wrote]
    expect(not idle, f"it declares to write {', '.join(idle)}, and never does: take that out, or give the rig transitions for it")


def _expect_parts(declared: Sequence[str]) -> None:
    unknown = [part for part in declared if part not in PARTS]
    expect(not unknown, f"{', '.join(unknown)}: a transition has no such part; there are {', '.join(PARTS)}")


def reads_as_declared(case: ProcessorCase) -> None:
    """A part is read if altering it alters a part that is written, or is an error."""
    _expect_parts(case.descriptor.reads)
    with case.bench() as bench:
        bench.expect_repeats()
        plain = bench.fresh()
        influence = {part: _influence(bench, part, plain) for part in PARTS}
    for part, influenced in influence.items():
        if part in case.descriptor.reads:
            used = bool(influenced) or not case.descriptor.writes
            expect(used, f"it declares to read {part}, and nothing that it writes depends on that")
        else:
            others = [each for each in influenced if each != part]
            expect(not others, f"it does not declare to read {part}, and {', '.join(others)} depends on that")


def _influence(bench: ProcessorBench, part: str, plain: Sequence[Transition]) -> list[str]:
    """The written parts of the results that depend on `part`."""
    written, found = bench.case.descriptor.writes, set()
    for altered in _altered(bench.episode(), part):
        try:
            found.update(changed(plain, bench.fresh(altered)))
        except Exception:  # however it complains: it looked at the part
            return ["whether it works"]
    return [each for each in written if each in found]


def _altered(episode: Sequence[Transition], part: str) -> Iterator[list[Transition]]:
    """The episode without a part, with that of the step before, and with another one where that can be made up."""
    values = [getattr(step, part) for step in episode]
    others = [[getattr(_ABSENT, part)] * len(values), values[-1:] + values[:-1]]
    if part in ("terminated", "truncated"):
        others.append([not value for value in values])
    if part == "reward":
        others.append([(value or 0.0) + 1.0 for value in values])
    for other in others:
        yield [evolve(step, **{part: value}) for step, value in zip(episode, other, strict=True)]


def unknown_passes(case: ProcessorCase) -> None:
    with case.bench() as bench:
        episode = [
            evolve(step, observation={**step.observation, _UNKNOWN: np.arange(3.0)}, info={**step.info, _UNKNOWN: "kept"})
            for step in bench.episode()
        ]
        results = bench.fresh(episode)
    for step, result in zip(episode, results, strict=True):
        for part in ("observation", "info"):
            there = same(getattr(result, part).get(_UNKNOWN), getattr(step, part)[_UNKNOWN])
            expect(there, f"{part}: a key that it does not know does not pass unchanged")


def input_stays(case: ProcessorCase) -> None:
    with case.bench() as bench:
        episode = bench.episode()
        processor = bench.build()
        for step in episode:
            processor(step)
        touched = changed(bench.episode(), episode)
    expect(not touched, f"it changes the transition that it is given: {', '.join(touched)}")


def results_stay(case: ProcessorCase) -> None:
    with case.bench() as bench:
        bench.expect_repeats()
        processor = bench.build()
        kept = [processor(step) for step in bench.episode()]
        touched = changed(bench.fresh(), kept)
    expect(not touched, f"a later call changes an earlier result: {', '.join(touched)}")


def repeats_itself(case: ProcessorCase) -> None:
    with case.bench() as bench:
        differing = changed(bench.fresh(), bench.fresh())
    expect(not differing, f"built twice, it makes two things of one episode: {', '.join(differing)}")


def reset_forgets(case: ProcessorCase) -> None:
    with case.bench() as bench:
        bench.expect_repeats()
        used = bench.build()
        bench.play(used, bench.episode())
        used.reset()
        differing = changed(bench.fresh(), bench.play(used, bench.episode()))
    expect(not differing, f"reset does not forget the episode before: {', '.join(differing)}")


def keys_go_by_name(case: ProcessorCase) -> None:
    with case.bench() as bench:
        bench.expect_repeats()
        turned = [evolve(step, observation=_turned(step.observation), info=_turned(step.info)) for step in bench.episode()]
        differing = changed(bench.fresh(), bench.fresh(turned))
    expect(not differing, f"the order of keys makes a difference: {', '.join(differing)}")


def _turned(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(reversed(list(content.items())))


def missing_is_said(case: ProcessorCase) -> None:
    with case.bench() as bench:
        processor = bench.build()
        try:
            result = processor(Transition())
        except HiltError as error:
            expect(bool(str(error).strip()), "for an empty transition the error has no message")
        except Exception as error:
            raise NotConforming(f"an empty transition raises {error!r}, which is no HiltError") from error
        else:
            expect(isinstance(result, Transition), f"an empty transition becomes a {type(result).__name__}")


def precision_stays(case: ProcessorCase) -> None:
    """A network in single precision refuses double precision, far away from the step that made it."""
    with case.bench() as bench:
        single = [_single(step) for step in bench.episode()]
        results = bench.fresh(single)
    for step, result in zip(single, results, strict=True):
        before = arrays_of(step)
        grown = [key for key, value in arrays_of(result).items() if key in before and _grows(before[key], value)]
        expect(not grown, f"float32 becomes float64: {', '.join(grown)}")


def _single(step: Transition) -> Transition:
    observation = {key: _as_single(value) for key, value in step.observation.items()}
    return evolve(step, observation=observation, action=_as_single(step.action))


def _as_single(value: Any) -> Any:
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(np.float32) if floating else value


def _grows(before: NDArray[Any], after: NDArray[Any]) -> bool:
    return before.dtype == np.float32 and after.dtype == np.float64


def numbers_stay_finite(case: ProcessorCase) -> None:
    with case.bench() as bench:
        episode = bench.episode()
        results = bench.fresh()
    if not all(_finite(step) for step in episode):
        raise NotExercised("the rig's transitions are not finite")
    for result in results:
        odd = [key for key, value in arrays_of(result).items() if not _is_finite(value)]
        reward = [] if result.reward is None or np.isfinite(result.reward) else ["reward"]
        expect(not odd and not reward, f"finite numbers become others: {', '.join(odd + reward)}")


def _finite(step: Transition) -> bool:
    return all(map(_is_finite, arrays_of(step).values()))


def _is_finite(value: NDArray[Any]) -> bool:
    return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def state_makes_the_same(case: ProcessorCase) -> None:
    with case.bench() as bench:
        processor = bench.build()
        if not implements(processor, HasState):
            expect(not bench.rig.state, "it is given a state, and has no `state()`: a checkpoint written again would lose it")
            return
        state = dict(processor.state())
        odd = [key for key, value in state.items() if not isinstance(key, str) or not isinstance(value, np.ndarray)]
        expect(not odd, f"its state is not arrays by name: {odd}")
        again = bench.build(state)
        expect(same(dict(again.state()), state), "built from its own state, it has another one")
        bench.expect_repeats()
        differing = changed(bench.fresh(), bench.play(again, bench.episode()))
    expect(not differing, f"built from its own state, it does something else: {', '.join(differing)}")
