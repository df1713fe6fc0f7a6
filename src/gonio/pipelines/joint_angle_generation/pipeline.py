"""The pipeline `joint_angle_generation`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.joint_angle_generation import nodes


def create_pipeline() -> Pipeline:
    """From shards to shards with joint angles, their manifest and a report."""
    return Pipeline(
        [
            Node(
                nodes.plan_angle_shards,
                [
                    "training_shards",
                    "depth_refiner",
                    "joint_refiner",
                    "main_refiner",
                    "parameters",
                ],
                "angle_plans",
                name="plan_angle_shards",
            ),
            Node(
                nodes.generate_angles,
                ["angle_plans", "angle_shards_so_far", "parameters"],
                "angle_shards",
                name="generate_angles",
            ),
            Node(
                nodes.measure_angles,
                ["angle_shards", "parameters"],
                [
                    "angle_statistics",
                    "angle_counts",
                    "angle_errors",
                    "angle_problems",
                    "angle_summary",
                ],
                name="measure_angles",
            ),
            Node(nodes.draw_angles, "angle_statistics", "angle_figure", name="draw_angles"),
            Node(
                nodes.sample_markers,
                ["angle_plans", "angle_shards", "parameters"],
                "angle_markers",
                name="sample_markers",
            ),
        ]
    )
