"""The process that runs the policy: observations from the rings, chunks into the rig's queue."""
