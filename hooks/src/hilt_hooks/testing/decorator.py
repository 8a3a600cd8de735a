"""Checks as pytest tests."""

from collections.abc import Iterable, Mapping

import pytest

from hilt_hooks.testing.checks import Check


def conformance(checks: Iterable[Check], exemptions: Mapping[str, str] | None = None) -> pytest.MarkDecorator:
    """Parametrise a test over `checks`; it takes an argument `check` and calls `check.run()`.

    exemptions: check id -> why the device need not pass it. Printed with the results (`pytest -rx`). An exempted check that
    passes is a failure: the exemption has to go. Raises ValueError for an id that no check has, or an empty reason.
    """
    exempt, all_checks = dict(exemptions or {}), list(checks)
    unknown = sorted(exempt.keys() - {check.id for check in all_checks})
    if unknown:
        raise ValueError(f"exemptions for checks that are not run here: {', '.join(unknown)}")
    silent = sorted(id for id, reason in exempt.items() if not reason.strip())
    if silent:
        raise ValueError(f"exemptions without a reason: {', '.join(silent)}")
    several = len({check.of for check in all_checks}) > 1
    return pytest.mark.parametrize("check", [_parameter(check, exempt.get(check.id), several) for check in all_checks])


def _parameter(check: Check, reason: str | None, several: bool) -> object:
    name = f"{check.of} {check.id} {check.title}" if several else f"{check.id} {check.title}"
    marks = [] if reason is None else [pytest.mark.xfail(strict=True, reason=f"{check.id} exempt: {reason}")]
    return pytest.param(check, id=name.replace(" ", "-"), marks=marks)
