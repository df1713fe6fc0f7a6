"""The pipeline `evaluation`."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.evaluation import angle_nodes, nodes

PARAMETERS = "params:evaluation"
TABLES = [
    "evaluation_table",
    "evaluation_cameras",
    "evaluation_detectors",
    "evaluation_performers",
    "evaluation_joints",
    "evaluation_azimuths",
    "evaluation_elevations",
    "evaluation_image_errors",
    "evaluation_clips",
]
ANGLE_TABLES = ["evaluation_angles", "evaluation_angle_joints", "evaluation_angle_cameras"]


def create_pipeline(**_: object) -> Pipeline:
    """Errors of poses and joint angles on recordings with truth, without and with networks."""
    return Pipeline(
        [
            *_angle_nodes(),
            Node(nodes.networks, PARAMETERS, "evaluation_networks", name="load_networks"),
            Node(nodes.demo_cameras, None, "demo_calibration", name="demo_cameras"),
            Node(
                nodes.detect_demo,
                ["params:model", "pose_models", PARAMETERS],
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
                ["evaluation_recordings", "evaluation_networks", "parameters"],
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
                    "evaluation_angle_record",
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
                ["evaluation_record", "evaluation_worst_clips", *ANGLE_TABLES, *TABLES],
                "evaluation_page",
                name="make_evaluation_page",
            ),
            Node(
                nodes.as_markdown,
                ["evaluation_table", "evaluation_cameras", *ANGLE_TABLES],
                "evaluation_markdown",
                name="as_markdown",
            ),
        ]
    )


def _angle_nodes() -> list[Node]:
    return [
        Node(
            angle_nodes.angle_networks,
            ["depth_refiner", "joint_refiner", "main_refiner", PARAMETERS],
            "evaluation_angle_networks",
            name="load_angle_networks",
        ),
        Node(
            angle_nodes.true_demo_angles,
            ["demo_angles", "demo_truth", "parameters"],
            "true_demo_angles",
            name="true_demo_angles",
        ),
        Node(
            angle_nodes.angle_settings,
            ["evaluation_recordings", "evaluation_shards", "parameters"],
            "true_angle_settings",
            name="true_angle_settings",
        ),
        Node(
            angle_nodes.score,
            [
                "evaluation_recordings",
                "true_demo_angles",
                "demo_joints",
                "demo_calibration",
                "true_angle_settings",
                "evaluation_angle_networks",
                "parameters",
            ],
            "evaluation_angle_scores",
            name="score_angles",
        ),
        Node(
            angle_nodes.tabulate,
            "evaluation_angle_scores",
            ANGLE_TABLES,
            name="tabulate_angles",
        ),
        Node(
            angle_nodes.describe,
            [
                "evaluation_angle_scores",
                "true_demo_angles",
                "true_angle_settings",
                "evaluation_angle_networks",
                "evaluation_angles",
                PARAMETERS,
            ],
            "evaluation_angle_record",
            name="describe_angles",
        ),
    ]
