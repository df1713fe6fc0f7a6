"""`depth_training`: from training pairs to a depth refiner."""

from gonio.pipelines.depth_training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
