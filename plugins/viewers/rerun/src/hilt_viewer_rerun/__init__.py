"""Rerun as a viewer of sessions."""
