"""What this distribution registers. Imported whenever teleoperators are listed, so it stays light: no driver, no I/O."""

from hilt_hooks import Limits, TeleoperatorDescriptor, hookimpl
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


@hookimpl
def hilt_teleoperators() -> list[TeleoperatorDescriptor]:
    return [
        TeleoperatorDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}, follows the robot until a hand takes it",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.teleop:{{ cookiecutter.__class }}Teleop",
            emulator="{{ cookiecutter.__module }}.emulator:EmulatedLeader",
            capabilities=frozenset({"torque", "mirror"}),
            limits={
                "gripper.pos": Limits(velocity=200.0, acceleration=2000.0, reason="a full stroke in half a second"),
                "*": Limits(velocity=90.0, acceleration=450.0, reason="slow enough to step aside; not yet tried on the leader"),
            },
            requires=(),  # what `link.py` imports, for instance ("pyserial",)
        )
    ]
