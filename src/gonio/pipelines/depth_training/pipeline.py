"""The pipeline `depth_training`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.depth_training import nodes


def create_pipeline() -> Pipeline:
    """From shards to a checkpoint, its metrics and its curves."""
    return Pipeline(
        [
            Node(
                nodes.prepare_clips,
                ["training_shards", "prepared_clips_so_far", "parameters"],
                "prepared_clips",
                name="prepare_clips",
            ),
            Node(
                nodes.list_clips,
                ["training_shards", "prepared_clips", "parameters"],
                "training_clips",
                name="list_clips",
            ),
            Node(
                nodes.train,
                ["training_clips", "training_runs", "parameters"],
                ["trained_networks", "training_metrics", "training_curves"],
                name="train",
            ),
            Node(
                nodes.add_feet,
                ["trained_networks", "training_shards", "prepared_clips", "parameters"],
                "trained_refiner",
                name="add_feet",
            ),
            Node(nodes.draw_curves, "training_curves", "training_figure", name="draw_curves"),
        ]
    )
