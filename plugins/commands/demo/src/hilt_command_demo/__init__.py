"""`hilt demo`: the whole loop on an emulated bench."""
