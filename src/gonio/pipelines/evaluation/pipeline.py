"""The pipeline `evaluation`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.evaluation import nodes

PARAMETERS = "params:evaluation"
TABLES = [
    "evaluation_table",
    "evaluation_cameras",
    "evaluation_detectors",
    "evaluation_joints",
    "evaluation_azimuths",
    "evaluation_elevations",
    "evaluation_clips",
]


def create_pipeline(**_: object) -> Pipeline:
    """Errors of poses on recordings with truth: MediaPipe's own, repaired, and each network's."""
    return Pipeline(
        [
            Node(nodes.networks, PARAMETERS, "evaluation_networks", name="load_networks"),
            Node(nodes.demo_cameras, None, "demo_calibration", name="demo_cameras"),
            Node(
                nodes.detect_demo,
                ["params:model", PARAMETERS],
                "demo_landmarks",
                name="detect_demo",
            ),
            Node(
                nodes.true_joints,
                ["demo_truth", "demo_calibration", "demo_landmarks"],
                "demo_joints",
                name="true_joints",
            ),
            Node(
                nodes.gather,
                [
                    "demo_landmarks",
                    "demo_calibration",
                    "demo_joints",
                    "evaluation_shards",
                    "params:model",
                    PARAMETERS,
                ],
                "evaluation_recordings",
                name="gather_recordings",
            ),
            Node(
                nodes.score,
                ["evaluation_recordings", "evaluation_networks"],
                "evaluation_scores",
                name="score",
            ),
            Node(nodes.tabulate, "evaluation_scores", TABLES, name="tabulate"),
            Node(
                nodes.describe,
                [
                    "evaluation_recordings",
                    "demo_joints",
                    "evaluation_networks",
                    "evaluation_table",
                    PARAMETERS,
                ],
                "evaluation_record",
                name="describe_evaluation",
            ),
            Node(
                nodes.draw_worst,
                ["evaluation_scores", PARAMETERS],
                "evaluation_worst_clips",
                name="draw_worst_clips",
            ),
            Node(
                nodes.page,
                ["evaluation_record", "evaluation_worst_clips", *TABLES],
                "evaluation_page",
                name="make_evaluation_page",
            ),
            Node(
                nodes.as_markdown,
                ["evaluation_table", "evaluation_cameras"],
                "evaluation_markdown",
                name="as_markdown",
            ),
        ]
    )
