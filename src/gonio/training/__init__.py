"""Metrics, losses and loops that the training pipelines share."""
