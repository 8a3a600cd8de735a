"""The figures of a session. Imports matplotlib: import this module only where a figure is made."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hilt.report.episode import (
    CORRECTION,
    DEMONSTRATION,
    HOLD,
    POLICY,
    RAMP,
    RECOVERY,
    REPLAY,
    EpisodeFacts,
    Trace,
)
from hilt.report.figures import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, stacked
from hilt_hooks import Floats

COLOURS: Mapping[str, str] = {
    POLICY: BLUE,
    DEMONSTRATION: GREEN,
    RECOVERY: ORANGE,
    CORRECTION: GREEN,
    HOLD: GREY,
    RAMP: PURPLE,
    REPLAY: RED,
}
_POINTS = 1500
_TINT = 0.18
_LEAST = 4.0
"""The smallest range of an axis, in the unit of its channel."""


def traces(facts: EpisodeFacts) -> Figure:
    """One row a channel: measured and sent, on the colour of who was in command."""
    names, trace = facts.header.state_names, facts.trace
    step = max(1, len(trace.times) // _POINTS)
    times = trace.times[::step]
    with stacked([0.22] + [0.85] * len(names)) as (figure, (ribbon, *rows)):
        _ribbon(ribbon, trace)
        for axes, name, measured in zip(rows, names, trace.measured.T, strict=True):
            _backgrounds(axes, trace)
            if name in facts.header.action_names:
                sent = trace.sent[::step, facts.header.action_names.index(name)]
                axes.plot(times, sent, color=RED, linewidth=1.0, linestyle=(0, (3, 1.5)))
            axes.plot(times, measured[::step], color=INK, linewidth=1.0)
            _at_least(axes, _LEAST)
            axes.set_ylabel(name, rotation=0, ha="right", va="center")
            axes.grid(axis="y")
            axes.locator_params(axis="y", nbins=3)
        rows[-1].set_xlabel("time, s")
        _legend(figure, trace)
    return figure


def lateness(facts: EpisodeFacts) -> Figure:
    """How late every command was, the worst of each stretch of time, with the percentiles."""
    trace = facts.trace
    values = trace.lateness_ms
    with stacked([1.6]) as (figure, (axes,)):
        _backgrounds(axes, trace)
        times, worst = _worst(trace.times, values)
        axes.vlines(times, 0, worst, color=INK, linewidth=0.8)
        marks = {"p50": np.percentile(values, 50), "p99": np.percentile(values, 99), "max": values.max()}
        for (name, value), colour, style in zip(marks.items(), (BLUE, RED, GREY), ("-", "--", ":"), strict=True):
            axes.axhline(float(value), color=colour, linestyle=style, linewidth=1.2, label=f"{name} {value:.2f} ms")
        axes.set_ylim(bottom=min(0.0, float(values.min())))
        axes.set_xlabel("time, s")
        axes.set_ylabel("command late, ms")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def overview(episodes: Sequence[EpisodeFacts]) -> Figure:
    """One bar an episode: its seconds by who was in command, in the order in which it happened."""
    with stacked([0.3 * len(episodes) + 0.3]) as (figure, (axes,)):
        for row, facts in enumerate(episodes):
            for span in facts.trace.spans:
                axes.barh(row, span.end - span.start, left=span.start, color=COLOURS[span.commander], height=0.7)
        axes.set_yticks(range(len(episodes)), [f"{facts.log.episode}: {facts.result}" for facts in episodes])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("time, s")
        seen = {span.commander for facts in episodes for span in facts.trace.spans}
        figure.legend(handles=_patches(seen, 1.0), loc="outside upper left", ncols=len(seen))
    return figure


def _at_least(axes: Axes, span: float) -> None:
    """Noise of a joint at rest is not to look like a jump."""
    low, high = axes.get_ylim()
    if high - low < span:
        middle = (low + high) / 2
        axes.set_ylim(middle - span / 2, middle + span / 2)


def _ribbon(axes: Axes, trace: Trace) -> None:
    for span in trace.spans:
        axes.axvspan(span.start, span.end, color=COLOURS[span.commander], linewidth=0)
    axes.set_yticks([])
    axes.set_ylabel("in command", rotation=0, ha="right", va="center")
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(trace.times[0], max(trace.times[-1], trace.times[0] + 1e-3))


def _backgrounds(axes: Axes, trace: Trace) -> None:
    for span in trace.spans:
        axes.axvspan(span.start, span.end, color=COLOURS[span.commander], alpha=_TINT, linewidth=0)
    axes.margins(x=0)


def _legend(figure: Figure, trace: Trace) -> None:
    seen = {span.commander for span in trace.spans}
    lines = [Line2D([], [], color=INK, label="measured"), Line2D([], [], color=RED, linestyle=(0, (3, 1.5)), label="sent")]
    handles = [*lines, *_patches(seen, 1.0)]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def _patches(commanders: set[str], alpha: float) -> list[Patch]:
    return [Patch(color=colour, alpha=alpha, label=name) for name, colour in COLOURS.items() if name in commanders]


def _worst(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most _POINTS values, the largest of each stretch: no peak is lost."""
    step = max(1, -(-len(values) // _POINTS))
    starts = np.arange(0, len(values), step)
    return times[starts], np.maximum.reduceat(values, starts)
