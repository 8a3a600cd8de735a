"""How a checkpoint is run. What the network is like stands in the checkpoint's own `config.json`."""

from attrs import frozen

from hilt_hooks import option


@frozen(kw_only=True)
class {{ cookiecutter.__class }}Config:
    """Every session sets these two, so a policy has both fields."""

    device: str = option("cpu", help="Where the network runs; this one needs no more than the CPU")
    threads: int = option(1, help="CPU threads of the network", minimum=1)
