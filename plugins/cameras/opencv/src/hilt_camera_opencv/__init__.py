"""Cameras through OpenCV: USB devices, network streams, video files."""
