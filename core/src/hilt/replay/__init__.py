"""A recorded episode in place of a policy: its actions go to the rig in chunks, and everything else is as ever."""
