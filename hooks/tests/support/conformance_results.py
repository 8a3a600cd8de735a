"""What the checks of a device find."""

from collections.abc import Collection, Mapping

from hilt_hooks.testing import Check, NotExercised


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
