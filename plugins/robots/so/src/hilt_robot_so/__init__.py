"""SO-100 and SO-101 follower arms."""
