"""The devices that the recorder's statuses are about."""

RECORDER = "recorder"
"""Recording itself: the logs."""
DATASET = "dataset"
"""What is made of the logs; it can be completed by a later session."""
