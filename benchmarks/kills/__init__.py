"""What `benchmarks.crash` does to sessions, and how it knows what they have lost."""
