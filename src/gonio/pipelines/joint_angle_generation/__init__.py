"""`joint_angle_generation`: from training pairs to training pairs with joint angles."""

from gonio.pipelines.joint_angle_generation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
