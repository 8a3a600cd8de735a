"""What a check is, and how a table of rules becomes checks of one device."""

import unittest
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

from hilt_hooks.descriptors import Descriptor


class Described(Protocol):
    """What a case of every kind has."""

    @property
    def descriptor(self) -> Descriptor: ...


CaseT = TypeVar("CaseT", contravariant=True, bound=Described)


class NotConforming(AssertionError):
    """The device breaks the rule; the message says how."""


class NotExercised(unittest.SkipTest):
    """The rule could not be tried; the message says what was missing. pytest reports it as skipped."""


@frozen
class Check:
    """One rule, applied to one device. run: returns, or raises NotConforming or NotExercised. of: its kind and name."""

    id: str
    title: str
    run: Callable[[], None]
    of: str = ""


@frozen
class Rule(Generic[CaseT]):
    """One line of a kind's table. A rule with capabilities is for devices that declare all of them."""

    id: str
    title: str
    run: Callable[[CaseT], None]
    capabilities: frozenset[str] = frozenset()


def checks(rules: Iterable[Rule[CaseT]], case: CaseT) -> Iterator[Check]:
    """The checks that apply to a device with the capabilities that its descriptor declares."""
    of = f"{case.descriptor.kind} {case.descriptor.name}"
    for rule in rules:
        if rule.capabilities <= case.descriptor.capabilities:
            yield Check(rule.id, rule.title, partial(_run, rule, case, of), of)


def _run(rule: Rule[CaseT], case: CaseT, of: str) -> None:
    try:
        rule.run(case)
    except NotExercised as missing:  # a summary of skipped tests has nothing but this message
        raise NotExercised(f"{of}, {rule.id}: {missing}") from None


def handle(rig: object, name: str) -> Any:
    """What the rig has under this name. Raises NotExercised if it has nothing."""
    found = getattr(rig, name)
    if found is None:
        raise NotExercised(f"the rig has no `{name}`")
    return found


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotConforming(otherwise)
