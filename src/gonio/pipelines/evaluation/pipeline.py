"""The pipeline `evaluation`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.evaluation import nodes


def create_pipeline() -> Pipeline:
    """Errors of the four demo cameras, before and after repair."""
    return Pipeline(
        [
            Node(nodes.demo_cameras, None, "demo_calibration", name="demo_cameras"),
            Node(nodes.detect_demo, "params:model", "demo_landmarks", name="detect_demo"),
            Node(
                nodes.true_joints,
                ["demo_truth", "demo_calibration", "demo_landmarks"],
                "demo_joints",
                name="true_joints",
            ),
            Node(
                nodes.compare,
                ["demo_landmarks", "demo_calibration", "demo_joints"],
                "evaluation_table",
                name="compare",
            ),
            Node(nodes.as_markdown, "evaluation_table", "evaluation_markdown", name="as_markdown"),
        ]
    )
