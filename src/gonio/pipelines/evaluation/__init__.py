"""`evaluation`: how far poses are from the truth, and what each step brings."""

from gonio.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
