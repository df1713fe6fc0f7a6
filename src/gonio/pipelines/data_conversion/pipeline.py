"""The pipeline `data_conversion`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.data_conversion import nodes


def create_pipeline(**_: object) -> Pipeline:
    """From a source of pairs to shards, their manifest and a report."""
    return Pipeline(
        [
            Node(
                nodes.plan,
                [
                    "aistpp_folder",
                    "mtc_folder",
                    "motion_folder",
                    "pose_models",
                    "training_shards_so_far",
                    "parameters",
                ],
                "conversion_plan",
                name="plan_conversion",
            ),
            Node(
                nodes.convert,
                ["conversion_plan", "training_shards_so_far", "parameters"],
                "training_shards",
                name="convert",
            ),
            Node(
                nodes.measure,
                ["training_shards", "parameters"],
                [
                    "conversion_statistics",
                    "conversion_counts",
                    "conversion_errors",
                    "conversion_problems",
                    "conversion_summary",
                ],
                name="measure_conversion",
            ),
            Node(
                nodes.draw,
                ["conversion_statistics", "training_shards", "parameters"],
                ["conversion_error_figure", "conversion_coverage_figure", "contact_sheet"],
                name="draw_conversion",
            ),
        ]
    )
