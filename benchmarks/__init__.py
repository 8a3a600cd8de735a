"""Measurements that are judged beside a control: `python -m benchmarks` lists them and runs the quick ones."""
