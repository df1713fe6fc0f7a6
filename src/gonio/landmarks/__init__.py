"""Landmarks from a video: reading it, MediaPipe, repair."""
