"""What the checks of a device find."""

from collections.abc import Collection, Iterable, Mapping

from hilt_hooks.testing import Check, NotExercised
from hilt_hooks.testing.tables import QUIET, STATIC_RULES, TRAVELS

STATIC = frozenset(rule.id for rule in (*STATIC_RULES, QUIET, TRAVELS))
"""What needs neither a connection nor a place to show is proven with robots."""


def by_id(checks: Iterable[Check]) -> dict[str, Check]:
    return {check.id: check for check in checks}


def failing(checks: Mapping[str, Check], *, without: Collection[str] = ()) -> dict[str, str]:
    """Id -> what is said, of the checks that fail. What could not be tried does not count. without: ids that are not run."""
    found = {}
    for id, check in checks.items():
        if id in without:
            continue
        try:
            check.run()
        except NotExercised:
            continue
        except Exception as error:
            found[id] = f"{type(error).__name__}: {error}"
    return found
