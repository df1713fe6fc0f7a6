"""`main_refiner`: from shards with joint angles and two refiners to the network that joins them."""

from gonio.pipelines.main_refiner.pipeline import create_pipeline

__all__ = ["create_pipeline"]
