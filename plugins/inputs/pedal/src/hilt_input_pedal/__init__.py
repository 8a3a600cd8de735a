"""Foot pedals that Linux shows as a keyboard, as an input."""
