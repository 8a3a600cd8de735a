"""The traceback of a plugin, without what loaded it."""

import traceback

_LOADING = ("hilt.kernel", "importlib", "_frozen_importlib")
"""The modules through which a plugin is loaded."""


def plugin_traceback(error: BaseException) -> str:
    """Of what a plugin raised while it was loaded, from the plugin's own code on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_LOADING):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
