from __future__ import annotations

import pytest
from kedro.framework.project import configure_project, pipelines

from gonio.errors import InputError
from gonio.options import CameraOptions, InferenceOptions, SubjectOptions
from gonio.steps import AFTER, READ_BY, check_same_parameters, step_record

TALL = InferenceOptions(subject=SubjectOptions(height=1.9), camera=CameraOptions(pitch_deg=10))


def test_every_step_that_reads_parameters_is_recorded():
    configure_project("gonio")
    reading = [node for node in pipelines["inference"].nodes if "parameters" in node.inputs]
    shown = {"record_quality", "draw_overlay", "write_report"}  # which only tell of the others
    assert {node.name for node in reading} - shown == set(READ_BY)
    for step in READ_BY:
        (node,) = (node for node in reading if node.name == step)
        assert node.outputs[-1] == f"{step}_run"


def test_every_step_knows_the_steps_before_it():
    configure_project("gonio")
    nodes = {node.name: node for node in pipelines["inference"].nodes}
    for step, before in AFTER.items():
        made_by = {name for name in READ_BY if set(nodes[name].outputs) & set(nodes[step].inputs)}
        assert made_by == set(before), step


def test_the_same_parameters_go_on():
    records = {step: step_record(step, TALL, 1.0) for step in READ_BY}
    assert records["augment"]["parameters"]["subject"] == {"height": 1.9, "mass": None}
    assert records["refine_pose"]["parameters"]["repair"]["cutoff_hz"] == 6.0  # of a step before
    assert "subject" not in records["refine_pose"]["parameters"]
    check_same_parameters(records, TALL)
    # What no skipped step reads may be another
    check_same_parameters(records, TALL.model_copy(update={"overwrite": True, "zero": "none"}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"subject": SubjectOptions(height=2.0)},
            "subject.height is 2.0, but make_markers, .*with 1.9: say subject.height=1.9",
        ),
        ({"camera": CameraOptions()}, "camera.pitch_deg is null, but refine_pose, .*with 10.0"),
        ({"refiner": "none"}, "refiner is none, but refine_pose, .*say refiner=main"),
        ({"shoulder_sequence": "YXY"}, "shoulder_sequence is YXY, but compute_angles"),
        ({"force_complete": True}, "force_complete is true, but augment, .*say force_complete=fal"),
    ],
)
def test_other_parameters_of_a_step_that_is_skipped_are_named(change, says):
    records = {step: step_record(step, TALL, 1.0) for step in READ_BY}
    with pytest.raises(InputError, match=says):
        check_same_parameters(records, TALL.model_copy(update=change))


@pytest.mark.parametrize(
    "record",
    [{}, {"seconds": 3.0}, {"parameters": 3}, {"parameters": {}}, {"parameters": {"camera": {}}}],
)
def test_what_is_not_known_of_a_step_is_not_compared(record):
    check_same_parameters({"augment": record, "make_markers": record}, TALL)
