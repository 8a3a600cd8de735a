"""`hilt train`: one machine, one process, any policy that registers a trainer."""
