"""LeRobotDataset v3.0: a recorder for hilt, and a reader."""
