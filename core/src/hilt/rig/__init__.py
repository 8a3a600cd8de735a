"""The process that owns the buses: one tick after the other, every command through the governor."""
