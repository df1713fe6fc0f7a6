"""The pipeline `joint_training`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.joint_training import nodes


def create_pipeline() -> Pipeline:
    """From shards with joint angles to a checkpoint, its metrics and its curves."""
    return Pipeline(
        [
            Node(
                nodes.prepare_clips,
                ["angle_shards", "joint_clips_so_far", "parameters"],
                "joint_clips",
                name="prepare_joint_clips",
            ),
            Node(
                nodes.list_clips,
                ["angle_shards", "joint_clips", "parameters"],
                "joint_training_clips",
                name="list_joint_clips",
            ),
            Node(
                nodes.train,
                ["joint_training_clips", "training_runs", "parameters"],
                ["trained_joint_refiner", "joint_training_metrics", "joint_training_curves"],
                name="train_joint_refiner",
            ),
            Node(
                nodes.draw_curves,
                "joint_training_curves",
                "joint_training_figure",
                name="draw_joint_curves",
            ),
        ]
    )
