"""`joint_training`: from shards with joint angles to a joint refiner."""

from gonio.pipelines.joint_training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
