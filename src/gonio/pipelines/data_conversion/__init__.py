"""`data_conversion`: from videos or rendered bodies with truth to training pairs."""

from gonio.pipelines.data_conversion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
