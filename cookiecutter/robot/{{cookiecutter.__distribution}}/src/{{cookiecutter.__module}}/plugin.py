"""What this distribution registers. Imported whenever robots are listed, so it stays light: no driver, no I/O."""

from hilt_hooks import Limits, RobotDescriptor, hookimpl
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


@hookimpl
def hilt_robots() -> list[RobotDescriptor]:
    return [
        RobotDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}, three joints and a gripper",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.robot:{{ cookiecutter.__class }}Robot",
            emulator="{{ cookiecutter.__module }}.emulator:EmulatedArm",
            capabilities=frozenset({"torque"}),
            limits={
                "gripper.pos": Limits(velocity=200.0, acceleration=2000.0, reason="a full stroke in half a second"),
                "*": Limits(velocity=90.0, acceleration=450.0, reason="slow enough to step aside; not yet tried on the arm"),
            },
            requires=(),  # what `link.py` imports, for instance ("pyserial",)
        )
    ]
