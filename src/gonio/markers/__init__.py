"""Markers from a pose: the 22, those that are missing, the 43 of the augmenter."""
