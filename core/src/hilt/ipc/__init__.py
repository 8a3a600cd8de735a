"""How the processes of a session talk: rings in shared memory, a lease, and typed messages."""
