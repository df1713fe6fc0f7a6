"""The pipeline `main_refiner`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.main_refiner import nodes


def create_pipeline() -> Pipeline:
    """From shards with joint angles and two refiners to a checkpoint, metrics and curves."""
    return Pipeline(
        [
            Node(
                nodes.load_joined,
                ["depth_refiner", "joint_refiner"],
                "joined_refiners",
                name="load_joined_refiners",
            ),
            Node(
                nodes.prepare_clips,
                ["angle_shards", "main_clips_so_far", "joined_refiners", "parameters"],
                "main_clips",
                name="prepare_main_clips",
            ),
            Node(
                nodes.list_clips,
                ["angle_shards", "main_clips", "joined_refiners", "parameters"],
                "main_training_clips",
                name="list_main_clips",
            ),
            Node(
                nodes.train,
                ["main_training_clips", "training_runs", "joined_refiners", "parameters"],
                ["trained_main_refiner", "main_training_metrics", "main_training_curves"],
                name="train_main_refiner",
            ),
            Node(
                nodes.draw_curves,
                "main_training_curves",
                "main_training_figure",
                name="draw_main_curves",
            ),
        ]
    )
