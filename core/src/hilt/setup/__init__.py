"""From a bag of motors to a calibrated pair of arms. The devices do the steps, see `hilt_hooks.calibration`."""
