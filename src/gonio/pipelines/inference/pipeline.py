"""The pipeline `inference`: one video in, everything a user wants to see out."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.inference import nodes
from gonio.pipelines.timing import timed

SECONDS = [f"{step}_seconds" for step in nodes.TIMED_STEPS]


def create_pipeline() -> Pipeline:
    """All nodes of `inference`."""
    return Pipeline([*_from_video_to_markers(), *_from_markers_to_angles(), *_for_the_reader()])


def _from_video_to_markers() -> list[Node]:
    return [
        Node(
            timed(nodes.detect),
            ["video", "parameters"],
            ["landmarks_detected", "video_small", "detect_seconds"],
            name="detect",
        ),
        Node(
            timed(nodes.repair),
            ["landmarks_detected", "parameters"],
            ["landmarks", "repair_seconds"],
            name="repair",
        ),
        Node(
            timed(nodes.refine_pose),
            ["landmarks", "depth_refiner", "parameters"],
            ["pose", "refine_pose_seconds"],
            name="refine_pose",
        ),
        Node(
            timed(nodes.make_markers),
            ["pose", "landmarks", "parameters"],
            ["markers", "marker_record", "make_markers_seconds"],
            name="make_markers",
        ),
        Node(
            timed(nodes.augment),
            ["markers", "marker_record", "parameters"],
            ["markers_augmented", "augment_seconds"],
            name="augment",
        ),
    ]


def _from_markers_to_angles() -> list[Node]:
    return [
        Node(
            timed(nodes.compute_angles),
            ["markers_augmented", "parameters"],
            ["joint_angles_computed", "kinematics_warnings", "compute_angles_seconds"],
            name="compute_angles",
        ),
        Node(
            nodes.refine_angles,
            ["joint_angles_computed", "landmarks", "joint_refiner", "parameters"],
            "joint_angles",
            name="refine_angles",
        ),
        Node(
            nodes.zero_angles,
            ["joint_angles", "static_trial", "parameters"],
            "joint_angles_zeroed",
            name="zero_angles",
        ),
        Node(
            nodes.solve_model,
            ["markers_augmented", "parameters"],
            "joint_angles_mot",
            name="solve_model",
        ),
        Node(
            nodes.solve_opensim,
            ["markers_augmented", "parameters"],
            ["opensim_solution", "opensim_quality", "opensim_angles"],
            name="solve_opensim",
        ),
    ]


def _for_the_reader() -> list[Node]:
    return [
        Node(nodes.find_gait, "markers_augmented", ["gait_found", "gait"], name="find_gait"),
        Node(
            nodes.summarise_angles,
            ["joint_angles", "gait_found"],
            "summary",
            name="summarise_angles",
        ),
        Node(nodes.export_c3d, "markers_augmented", "markers_c3d", name="export_c3d"),
        Node(
            nodes.draw_figure,
            ["joint_angles", "markers_augmented", "marker_record", "video", "parameters"],
            "joint_angles_figure",
            name="draw_figure",
        ),
        Node(
            nodes.draw_overlay,
            ["video_small", "landmarks", "parameters"],
            "overlay",
            name="draw_overlay",
        ),
        Node(
            nodes.record_quality,
            [
                "video",
                "landmarks",
                "marker_record",
                "markers_augmented",
                "joint_angles",
                "opensim_quality",
                "kinematics_warnings",
                "parameters",
                *SECONDS,
            ],
            "quality",
            name="record_quality",
        ),
        Node(
            nodes.write_report,
            [
                "video",
                "markers_augmented",
                "joint_angles",
                "joint_angles_zeroed",
                "opensim_angles",
                "summary",
                "gait_found",
                "joint_angles_figure",
                "quality",
                "parameters",
            ],
            "report",
            name="write_report",
        ),
    ]
