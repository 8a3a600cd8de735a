"""Rules for policies: what is known when, what load may do, what a prediction is, what reset forgets."""

import json
import os
import pickle
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from hilt_hooks.errors import HiltError
from hilt_hooks.policies import POLICY_CAPABILITIES, Observation, Policy, PolicySpec, Prediction
from hilt_hooks.signals import Floats, Vector
from hilt_hooks.testing.audit import Outside, outside_events
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.policy_rig import PolicyBench, PolicyCase, copied, episode, weights_in
from hilt_hooks.testing.static_rules import HEAVY, expect_as_declared

_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_OTHER = "conformance.other"
_SCRIBBLE = 1e6

_BUILD = """
import base64, json, pickle, sys
from pkgutil import resolve_name
sys.path[:] = json.loads(sys.argv[1])
resolve_name(sys.argv[2])(*pickle.loads(base64.b64decode(sys.argv[3]))).spec
print(json.dumps(list(sys.modules)))
"""


def capabilities_hold(case: PolicyCase) -> None:
    with case.bench() as bench:
        expect_as_declared(bench.build(), case.descriptor, Policy, POLICY_CAPABILITIES)


def building_reads_configuration(case: PolicyCase) -> None:
    with case.bench() as bench:
        _ = bench.build().spec
        # The first policy paid for what is imported late; the second shows what building itself does.
        threads = set(threading.enumerate())
        with outside_events() as seen:
            _ = bench.build().spec
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        beyond = [str(each) for each in seen if not (each.reads and _below(bench.rig.path, each.subject))]
    expect(not beyond, f"building the policy reaches beyond its checkpoint's folder: {', '.join(beyond)}")
    expect(not started, f"building the policy starts threads: {', '.join(started)}")


def _below(folder: Path, subject: str) -> bool:
    return Path(os.path.realpath(subject)).is_relative_to(os.path.realpath(folder))


def spec_needs_no_weights(case: PolicyCase) -> None:
    with case.bench() as bench, bench.copy() as folder:
        weights = weights_in(folder)
        if not weights:
            raise NotExercised("the rig's checkpoint has no weights")
        for path in weights:
            path.write_bytes(b"")
        try:
            spec = bench.build(folder).spec
        except Exception as error:
            raise NotConforming(f"without the weights, building the policy and asking for its spec raises {error!r}") from error
        expect(spec == bench.build().spec, "without the weights the spec is another one")


def building_imports_no_network(case: PolicyCase) -> None:
    with case.bench() as bench:
        try:
            given = b64encode(pickle.dumps((bench.rig.config, bench.rig.path))).decode()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise NotExercised(f"the config cannot be handed to another process: {error}") from error
        command = [sys.executable, "-c", _BUILD, json.dumps(sys.path), case.descriptor.factory, given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"building the policy in another process fails: {done.stderr.strip()}")
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = [name for name in HEAVY if name in loaded]
    expect(not heavy, f"building the policy imports {', '.join(heavy)}: import them in `load`")


def spec_is_complete(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.build()
        before = policy.spec
        expect(isinstance(before, PolicySpec), f"spec is a {type(before).__name__}, not a PolicySpec")
        wrong = [*_channel_problems(before), *_number_problems(before), *_image_problems(before)]
        expect(not wrong, "; ".join(wrong))
        policy.load()
        expect(policy.spec == before, f"load changes the spec from {before} to {policy.spec}")


def _channel_problems(spec: PolicySpec) -> Iterator[str]:
    for what, names, size in (("state", spec.state, spec.state_size), ("actions", spec.actions, spec.action_size)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            yield f"{what}: {', '.join(twice)} twice"
        if names and len(names) != size:
            yield f"{what}: {len(names)} names, but a size of {size}"
        if not all(isinstance(name, str) and name for name in names):
            yield f"{what}: {names} are not all names"
    if spec.action_size < 1:
        yield "a policy without actions"


def _number_problems(spec: PolicySpec) -> Iterator[str]:
    if not 1 <= spec.use <= spec.chunk:
        yield f"use: {spec.use} actions of a chunk of {spec.chunk}"
    if spec.history < 1:
        yield f"history: {spec.history} observations"
    if spec.fps is not None and not 0 < spec.fps < np.inf:
        yield f"fps: {spec.fps}"


def _image_problems(spec: PolicySpec) -> Iterator[str]:
    for name, shape in spec.images.items():
        if len(shape) != 3 or shape[-1] not in (1, 3) or min(shape) < 1:
            yield f"images: {name} has shape {tuple(shape)}, not (height, width, channels)"


def load_only_reads(case: PolicyCase) -> None:
    with case.bench() as bench:
        before = _stamps(bench.rig.path)
        with outside_events() as first:
            bench.loaded()
        # What is imported late is compiled and cached once, so only the second load is watched for files.
        policy = bench.build()
        with outside_events() as second:
            policy.load()
        expect(_stamps(bench.rig.path) == before, "load changes files of the checkpoint")
    asked = [str(each) for each in first if each.event in _NETWORK]
    expect(not asked, f"load asks the network: {', '.join(asked)}; everything must be in the checkpoint")
    written = [str(each) for each in second if not _harmless(each)]
    expect(not written, f"load does more than read: {', '.join(written)}")


def _harmless(each: Outside) -> bool:
    return each.reads or each.subject == os.devnull


def _stamps(folder: Path) -> Mapping[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def load_reads_everything(case: PolicyCase) -> None:
    """While a session runs, a training may replace the folder that its checkpoint came from."""
    with case.bench() as bench:
        with bench.copy() as folder:
            policy = bench.loaded(folder)
            shown = episode(policy.spec)
        try:
            bench.play(policy, shown)
        except Exception as error:
            raise NotConforming(f"load left something for later: with the checkpoint gone, predict raises {error!r}") from error


def damage_is_refused(case: PolicyCase) -> None:
    damages: Mapping[str, Callable[[list[Path]], None]] = {"empty": _empty, "missing": _remove}
    with case.bench() as bench:
        for what, damage in damages.items():
            with bench.copy() as folder:
                weights = weights_in(folder)
                damage(weights)
                if weights:
                    _expect_refused(bench, folder, f"a checkpoint whose weights are {what}")
        with bench.copy() as folder:
            _remove([path for path in folder.rglob("*") if path.is_file()])
            _expect_refused(bench, folder, "an empty folder")


def _empty(paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(b"")


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


def _expect_refused(bench: PolicyBench, folder: Path, what: str) -> None:
    try:
        bench.loaded(folder)
    except HiltError as error:
        expect(folder.name in str(error), f"for {what} the error does not say where: {error}")
    except Exception as error:
        raise NotConforming(f"{what} raises {error!r}, which is no HiltError") from error
    else:
        raise NotConforming(f"{what} can be loaded")


def unloaded_says_so(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.build()
        try:
            policy.predict(episode(policy.spec)[0])
        except (HiltError, RuntimeError) as error:
            expect("load" in str(error), f"predicting before load raises {error!r}: say that load comes first")
        except Exception as error:
            raise NotConforming(f"predicting before load raises {error!r}: say that load comes first") from error
        else:
            raise NotConforming("predicting before load gives actions")


def predictions_fit_spec(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.loaded()
        spec = policy.spec
        for observation in episode(spec):
            _expect_fits(policy.predict(observation), spec)


def _expect_fits(prediction: Any, spec: PolicySpec) -> None:
    expect(isinstance(prediction, Prediction), f"a prediction is a {type(prediction).__name__}, not a Prediction")
    expect(sorted(prediction.names) == sorted(spec.actions), f"a prediction names {prediction.names}, the spec {spec.actions}")
    for what, array in (("actions", prediction.actions), ("model", prediction.model)):
        expect(isinstance(array, np.ndarray), f"{what} is a {type(array).__name__}, not an array")
        wanted = (spec.chunk, spec.action_size)
        expect(array.shape == wanted, f"{what} has shape {array.shape}; the spec says chunk and actions are {wanted}")
        expect(array.dtype == np.float64, f"{what} is {array.dtype}, not float64")
        expect(bool(np.isfinite(array).all()), f"{what} has numbers that are not finite")


def repeats_itself(case: PolicyCase) -> None:
    with case.bench() as bench:
        first = bench.loaded()
        shown = episode(first.spec)
        played, again = bench.play(first, shown), bench.play(bench.loaded(), shown)
        bench.expect_same(again, played, "loaded twice, it acts in two ways (one that samples needs a `seed` in its rig)")


def reset_forgets(case: PolicyCase) -> None:
    with case.bench() as bench:
        bench.expect_repeats()
        used, fresh = bench.loaded(), bench.loaded()
        shown = episode(used.spec, 1)
        bench.play(used, episode(used.spec, 0))
        used.reset()
        bench.expect_same(bench.play(used, shown), bench.play(fresh, shown), "reset does not forget the episode before")


def state_goes_by_name(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.loaded()
        if len(policy.spec.state) < 2:
            raise NotExercised("the rig's checkpoint names fewer than two channels of its state")
        bench.expect_repeats()
        shown = episode(policy.spec)
        turned = [evolve(each, state=_turned(each.state)) for each in shown]
        played = bench.play(bench.loaded(), turned)
        bench.expect_same(played, bench.play(policy, shown), "the state is taken by position, not by name")


def _turned(state: Vector) -> Vector:
    return Vector(state.names[1:] + state.names[:1], np.roll(state.values, -1))


def others_are_refused(case: PolicyCase) -> None:
    with case.bench() as bench:
        spec = bench.build().spec
        foreign = [*_foreign(spec)]
        if not foreign:
            raise NotExercised("the rig's checkpoint takes neither a state nor images")
        for name, what, observation in foreign:
            policy = bench.loaded()
            try:
                policy.predict(observation)
            except HiltError as error:
                expect(name in str(error), f"the error for {what} does not name {name}: {error}")
            except Exception as error:
                raise NotConforming(f"{what} raises {error!r}, which is no HiltError") from error
            else:
                raise NotConforming(f"{what} is accepted")


def _foreign(spec: PolicySpec) -> Iterator[tuple[str, str, Observation]]:
    """What must be named, what is wrong, and the observation."""
    shown = episode(spec)[0]
    state = shown.state
    if spec.state:
        renamed = Vector((*spec.state[:-1], _OTHER), state.values)
        yield spec.state[-1], f"a state with {_OTHER} instead of {spec.state[-1]}", evolve(shown, state=renamed)
    elif spec.state_size:
        more = Vector((*state.names, _OTHER), np.append(state.values, 0.0))
        yield str(spec.state_size), f"a state of {spec.state_size + 1} values", evolve(shown, state=more)
    for camera in spec.images:
        images = {name: image for name, image in shown.images.items() if name != camera}
        yield camera, f"an observation without the camera {camera}", evolve(shown, images=images)


def observations_stay(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.loaded()
        shown, wanted = episode(policy.spec), episode(policy.spec)
        bench.seed()
        for observation in shown:
            policy.predict(observation)
    for given, before in zip(shown, wanted, strict=True):
        expect(np.array_equal(given.state.values, before.state.values), "predict changes the state that it is given")
        expect([*given.images] == [*before.images], "predict changes which images the observation has")
        for name, image in given.images.items():
            expect(np.array_equal(image, before.images[name]), f"predict changes the image of {name}")


def predictions_stay(case: PolicyCase) -> None:
    """The rig executes a chunk while the next one is computed, and blends into the arrays."""
    with case.bench() as bench:
        bench.expect_repeats()
        policy = bench.loaded()
        shown = episode(policy.spec)
        wanted = bench.play(bench.loaded(), shown)
        bench.seed()
        kept = [policy.predict(observation) for observation in deepcopy(shown)]
        bench.expect_same(kept, wanted, "a later prediction changes an earlier one")
        bench.expect_same(_scribbled(bench, shown), wanted, "writing into a prediction changes what the policy predicts")


def _scribbled(bench: PolicyBench, shown: Sequence[Observation]) -> list[Prediction]:
    """The episode for a caller that writes into every prediction once it has used it."""
    policy, kept = bench.loaded(), []
    bench.seed()
    for observation in deepcopy(list(shown)):
        prediction = policy.predict(observation)
        kept.append(copied(prediction))
        for array in (prediction.actions, prediction.model):
            if array.flags.writeable:
                array[...] = _SCRIBBLE
    return kept


def chunks_continue(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.loaded()
        spec = policy.spec
        if spec.chunk < 2:
            raise NotExercised("the rig's checkpoint has chunks of one action")
        first, second = episode(spec)[:2]
        remainder = np.array(policy.predict(first).model[spec.chunk // 2 :])
        delay = (len(remainder) + 1) // 2
        free = _continued(bench, second, None, 0)
        given = remainder.copy()
        tied = _continued(bench, second, given, delay)
    expect(np.array_equal(given, remainder), "continue_chunk changes the remainder that it is given")
    apart, alone = (float(np.abs(each.model[:delay] - remainder[:delay]).mean()) for each in (tied, free))
    expect(apart < alone or alone == 0, "a chunk is no nearer to the one that it continues than one that continues nothing")


def _continued(bench: PolicyBench, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
    policy = bench.loaded()
    bench.seed()
    prediction: Prediction = policy.continue_chunk(observation, remainder, delay)
    _expect_fits(prediction, policy.spec)
    return prediction


def scores_are_probabilities(case: PolicyCase) -> None:
    with case.bench() as bench:
        policy = bench.loaded()
        scores = [policy.score(observation) for observation in episode(policy.spec)]
    odd = [score for score in scores if not isinstance(score, float) or not 0 <= score <= 1]
    expect(not odd, f"a score is a number from 0 to 1, not {odd[:1]}")


CHECKED = frozenset({"continue", "score"})
"""Capabilities that some rule tries out."""


def all_are_checked(case: PolicyCase) -> None:
    unchecked = sorted(case.descriptor.capabilities - CHECKED)
    if unchecked:
        raise NotExercised(f"only the signatures were checked of: {', '.join(unchecked)}")
