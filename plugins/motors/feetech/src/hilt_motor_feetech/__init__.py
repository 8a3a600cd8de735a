"""Feetech STS3215 servos: bus, calibration files, arms, and the emulator that speaks the same bytes."""
