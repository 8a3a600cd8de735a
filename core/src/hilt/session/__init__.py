"""The session: the phase machine, the operator's inputs, and the processes around them."""
