"""Whom the recorder speaks of."""

RECORDER = "recorder"
"""The device of a status about recording: without it there is no session."""
DATASET = "dataset"
"""The device of a status about the dataset, which can be made complete later."""
