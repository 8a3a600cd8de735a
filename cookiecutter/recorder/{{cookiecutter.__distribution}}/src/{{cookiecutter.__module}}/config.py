"""What can be configured. A field is a flag: `root` is `--dataset.root=`."""

from pathlib import Path

from attrs import frozen

from hilt_hooks import option


@frozen(kw_only=True)
class {{ cookiecutter.__class }}Config:
    """All but `root` is what a session wants to know of every recorder: it runs its episodes by that."""

    root: Path = option(help="Folder of the dataset")
    single_task: str = option("", help="What the robot does in every episode, in words: 'Pick the cube'")
    fps: int = option(30, help="Frames per second", unit="Hz", minimum=1, maximum=1000)
    episode_time_s: float = option(60.0, help="Longest recorded time of an episode", unit="s", minimum=0)
    reset_time_s: float = option(60.0, help="Longest time for the reset between two episodes", unit="s", minimum=0)
    num_episodes: int = option(50, help="How many episodes to record", minimum=1)

    @property
    def folder(self) -> Path:
        """The logs of the sessions lie below, in `hilt/logs`."""
        return self.root.expanduser()
