"""The pipeline `inference`: one video in, everything a user wants to see out."""

from kedro.pipeline import Node, Pipeline

from gonio.pipelines.inference import nodes, reader_nodes
from gonio.pipelines.recording import recorded

CHECKPOINTS = ["depth_refiner", "joint_refiner", "main_refiner"]
RECORDS = [f"{step}_run" for step in reader_nodes.TIMED_STEPS]


def create_pipeline() -> Pipeline:
    """All nodes of `inference`."""
    return Pipeline([*_from_video_to_markers(), *_from_markers_to_angles(), *_for_the_reader()])


def _from_video_to_markers() -> list[Node]:
    return [
        Node(
            recorded(nodes.detect),
            ["video", "pose_models", "parameters"],
            ["landmarks_detected", "video_small", "video_record", "detect_run"],
            name="detect",
        ),
        Node(
            recorded(nodes.repair),
            ["landmarks_detected", "parameters"],
            ["landmarks", "repair_run"],
            name="repair",
        ),
        Node(
            recorded(nodes.refine_pose),
            ["landmarks", *CHECKPOINTS, "parameters"],
            ["pose", "pose_record", "refine_pose_run"],
            name="refine_pose",
        ),
        Node(
            recorded(nodes.make_markers),
            ["pose", "landmarks", "parameters"],
            ["markers", "marker_record", "make_markers_run"],
            name="make_markers",
        ),
        Node(
            recorded(nodes.augment),
            ["markers", "marker_record", "parameters"],
            ["markers_augmented", "augment_run"],
            name="augment",
        ),
    ]


def _from_markers_to_angles() -> list[Node]:
    return [
        Node(
            recorded(nodes.compute_angles),
            ["markers_augmented", "parameters"],
            ["joint_angles_of_markers", "kinematics_warnings", "compute_angles_run"],
            name="compute_angles",
        ),
        Node(
            recorded(nodes.refine_angles),
            ["joint_angles_of_markers", "landmarks", *CHECKPOINTS, "parameters"],
            ["joint_angles", "joint_angles_computed", "angle_record", "refine_angles_run"],
            name="refine_angles",
        ),
        Node(
            recorded(nodes.sample_angles),
            ["pose", "landmarks", "marker_record", "parameters"],
            ["angle_samples", "sample_angles_run"],
            name="sample_angles",
        ),
        Node(
            recorded(nodes.propagate_sigma),
            [
                "angle_samples",
                "landmarks",
                "joint_angles_of_markers",
                "joint_angles",
                *CHECKPOINTS,
                "parameters",
            ],
            ["joint_angles_sigma", "joint_angles_computed_sigma", "propagate_sigma_run"],
            name="propagate_sigma",
        ),
        Node(
            recorded(nodes.zero_angles),
            ["joint_angles", "static_trial", "parameters"],
            ["joint_angles_zeroed", "zero_record", "zero_angles_run"],
            name="zero_angles",
        ),
        Node(
            recorded(nodes.solve_model),
            ["markers_augmented", "parameters"],
            ["joint_angles_mot", "solve_model_run"],
            name="solve_model",
        ),
        Node(
            recorded(nodes.solve_opensim),
            ["markers_augmented", "parameters"],
            ["opensim_solution", "opensim_quality", "opensim_angles", "solve_opensim_run"],
            name="solve_opensim",
        ),
    ]


def _for_the_reader() -> list[Node]:
    return [
        Node(reader_nodes.find_gait, "markers_augmented", ["gait_found", "gait"], name="find_gait"),
        Node(
            reader_nodes.summarise_angles,
            ["joint_angles", "gait_found"],
            "summary",
            name="summarise_angles",
        ),
        Node(
            reader_nodes.average_cycles,
            ["joint_angles", "gait_found", "video"],
            ["gait_cycles", "gait_cycles_figure"],
            name="average_cycles",
        ),
        Node(reader_nodes.export_c3d, "markers_augmented", "markers_c3d", name="export_c3d"),
        Node(
            reader_nodes.draw_figure,
            [
                "joint_angles",
                "joint_angles_sigma",
                "joint_angles_computed",
                "joint_angles_computed_sigma",
                "pose_record",
                "angle_record",
                "markers_augmented",
                "marker_record",
                "video",
            ],
            "joint_angles_figure",
            name="draw_figure",
        ),
        Node(
            reader_nodes.draw_overlay,
            ["video", "video_small", "landmarks", "parameters"],
            "overlay",
            name="draw_overlay",
        ),
        Node(
            reader_nodes.record_quality,
            [
                "video",
                "video_record",
                "landmarks",
                "pose_record",
                "angle_record",
                "marker_record",
                "markers_augmented",
                "joint_angles",
                "zero_record",
                "opensim_quality",
                "kinematics_warnings",
                "gait",
                "parameters",
                *RECORDS,
            ],
            "quality",
            name="record_quality",
        ),
        Node(
            reader_nodes.write_report,
            [
                "video",
                "markers_augmented",
                "joint_angles",
                "joint_angles_zeroed",
                "joint_angles_sigma",
                "joint_angles_computed",
                "joint_angles_computed_sigma",
                "opensim_angles",
                "summary",
                "gait_found",
                "gait_cycles_figure",
                "joint_angles_figure",
                "pose_record",
                "angle_record",
                "quality",
                "parameters",
            ],
            "report",
            name="write_report",
        ),
    ]
