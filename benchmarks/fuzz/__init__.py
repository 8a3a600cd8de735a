"""The governor under fire: a rig in lock-step, what is done to it, and an invariant that shares no code with it."""
