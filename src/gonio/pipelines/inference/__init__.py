"""`inference`: from one video to joint angles."""

from gonio.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
