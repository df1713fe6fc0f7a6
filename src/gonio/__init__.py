"""Gonio: joint angles from one ordinary video. The first axis of every array is time."""

__version__ = "0.1.0"
