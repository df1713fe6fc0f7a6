"""`kedro run` as a user types it: what it says, its exit code, what it leaves behind."""

from __future__ import annotations

import html
import json
import os
import resource
import shutil
import subprocess
import sys
from itertools import islice

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from gonio.capture.demo import demo_video
from gonio.errors import InputError, OutputError
from gonio.landmarks.repair import repair_landmarks
from gonio.landmarks.video import probe, read_frames
from gonio.models import registry
from gonio.quality import OF_MARKERS
from gonio.same_video import video_record
from gonio.skeleton import ANGLE_COLUMNS
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories
from tests.markers.bodies import standing


@pytest.fixture(scope="module")
def copy(tmp_path_factory, project):
    """A copy of the project to run in, so that results of tests go nowhere else."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conf", "src", "pyproject.toml", ".telemetry", "README.md"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "data" / "01_raw").mkdir(parents=True)
    return folder


@pytest.fixture
def kedro_run(copy, monkeypatch):
    """Run the command in this process; gives (exit code, what it said)."""
    monkeypatch.chdir(copy)
    bootstrap_project(copy)
    from gonio.cli import cli

    def run(*arguments):
        result = CliRunner().invoke(cli, ["run", "--env", "test", *arguments])
        return result.exit_code, result.output

    return run


def test_a_run_without_a_pipeline_asks_for_inference_alone(kedro_run, monkeypatch):
    """As the default Kedro would import all pipelines, PyTorch with them, before the work."""
    from gonio import cli

    asked = []
    monkeypatch.setattr(cli, "RUN_KEDRO", lambda **arguments: asked.append(arguments))
    for arguments in ((), ("--pipeline", "evaluation"), ("--pipelines", "inference")):
        assert kedro_run(*arguments)[0] == 0
    assert [run["pipelines"] for run in asked] == [["inference"], ["evaluation"], ["inference"]]
    assert [run["runner"] for run in asked] == ["ThreadRunner", None, "ThreadRunner"]


def test_a_folder_of_videos_may_stand_in_a_file(copy, kedro_run, monkeypatch, tmp_path):
    from gonio import cli

    asked = []
    monkeypatch.setattr(cli, "RUN_KEDRO", lambda **arguments: asked.append(arguments["params"]))
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("")
    stated = copy / "conf" / "test" / "parameters_of_the_test.yml"
    stated.write_text(f"video: {tmp_path}\n")
    try:
        code, said = kedro_run("--params", "subject.height=1.72")
    finally:
        stated.unlink()
    assert code == 0, said
    assert [params["video"] for params in asked] == [str(tmp_path / n) for n in ("a.mp4", "b.mp4")]
    assert all(params["subject"] == {"height": 1.72} for params in asked)


def test_a_run_from_a_folder_of_the_project_finds_the_same_files(copy, kedro_run, monkeypatch):
    from gonio import cli

    asked = []
    monkeypatch.setattr(cli, "RUN_KEDRO", lambda **arguments: asked.append(arguments["params"]))
    videos = copy / "data" / "test" / "01_raw" / "visit"
    videos.mkdir(parents=True)
    (videos / "a.mp4").write_text("")
    monkeypatch.chdir(copy / "conf")
    assert kedro_run("--params", "video=visit")[0] == 0
    assert asked == [{"video": str(videos / "a.mp4")}]


def test_which_markers_were_estimated_is_found_from_every_folder(copy, monkeypatch):
    bootstrap_project(copy)
    written = MarkerTrajectories(("C7",), np.zeros((2, 1, 3)), 30.0, np.array([[True], [False]]))
    for folder in (copy, copy / "conf"):
        monkeypatch.chdir(folder)
        with KedroSession.create(project_path=copy, env="test") as session:
            catalog = session.load_context().catalog
        if folder == copy:
            catalog.save("markers", written)
    np.testing.assert_array_equal(catalog.load("markers").estimated, written.estimated)


def _run_in_a_process(folder, *arguments, file_limit=None):
    """`kedro run` as a process; `file_limit` is the largest file it can write, bytes."""

    def limit():
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        preexec_fn=limit,
    )


OUTPUTS = {
    "02_intermediate": ["landmarks.npz"],
    "07_model_output": [
        "markers.trc",
        "markers_augmented.trc",
        "joint_angles.csv",
        "joint_angles.mot",
        "markers_augmented.c3d",
    ],
    "08_reporting": [
        "report.html",
        "joint_angles.png",
        "overlay.mp4",
        "quality.json",
        "summary.csv",
    ],
}


def test_the_default_run_writes_every_file_twice_the_same(copy):
    """In a process of its own, as a user runs it; the second run gives the same bytes."""
    contents = []
    for _ in range(2):
        done = _run_in_a_process(copy)
        assert done.returncode == 0, done.stderr
        for layer, names in OUTPUTS.items():
            for name in names:
                assert (copy / "data" / "test" / layer / "cam01" / name).stat().st_size > 100
        output = copy / "data" / "test" / "07_model_output" / "cam01"
        contents.append(
            {
                name: (output / name).read_bytes()
                for name in ("joint_angles.csv", "markers.trc", "markers_augmented.trc")
            }
        )
    assert contents[0] == contents[1]


def test_a_disk_that_fills_up_during_the_report_loses_nothing(copy):
    """The report takes 5 MB; with room for 3 MB it cannot be written, and the old one stays."""
    report = copy / "data" / "test" / "08_reporting" / "cam01" / "report.html"
    assert _run_in_a_process(copy).returncode == 0
    before = report.read_bytes()
    done = _run_in_a_process(copy, "--params", "subject.height=1.72", file_limit=3_000_000)
    assert done.returncode == 1
    assert f"Error: cannot write {report}: File too large" in done.stderr
    assert report.read_bytes() == before
    assert {path.name for path in report.parent.iterdir() if path.name.startswith(".")} == set()


def test_a_run_goes_on_from_a_later_step(copy):
    assert _run_in_a_process(copy).returncode == 0
    quality = copy / "data" / "test" / "08_reporting" / "cam01" / "quality.json"
    before = quality.read_text()
    quality.unlink()
    done = _run_in_a_process(copy, "--from-nodes", "repair,draw_overlay")
    assert done.returncode == 0, done.stderr
    again = json.loads(quality.read_text())
    assert again["landmarks"] == json.loads(before)["landmarks"]
    assert again["seconds"]["detect"] == json.loads(before)["seconds"]["detect"]


def test_a_folder_goes_on_after_a_bad_video(copy, kedro_run, tmp_path):
    (tmp_path / "a_bad.mp4").write_text("no video")
    shutil.copy(demo_video("cam04"), tmp_path / "b_good.mp4")
    (tmp_path / "notes.txt").write_text("not looked at")
    code, said = kedro_run("--params", f"video={tmp_path},subject.height=1.72")
    assert code == 1
    assert "failed  a_bad.mp4" in said
    assert "ok      b_good.mp4" in said
    assert "1 of 2 videos failed" in said
    assert (copy / "data" / "test" / "08_reporting" / "b_good" / "report.html").is_file()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("video=nosuch.mp4", "there is no video"),
        ("video=", "video is empty; give the name of a video"),
        ("video=demo/cam09", "the demo has the cameras cam01, cam02, cam03, cam04"),
        ("video=a{b}.mp4", "video is 'a{b}.mp4', which holds braces"),
        ("video=/tmp/a}b/joey.mp4", "which holds braces; they have a meaning of their own"),
        ("video=a${b}.mp4", "'b' not found, full_key: video; ${...} stands for another value"),
        ("video.x=1", "video is {'x': 1}; give the name of one video in "),
        ("video=../x.mp4", "outside the folder"),
        ("video=a/../../x.mp4", "outside the folder"),
        ("capture_rate_hz=0", "parameter capture_rate_hz is 0: Input should be greater than 0"),
        (
            "capture_rate_hz=2400",
            "capture_rate_hz is 2400: Input should be less than or equal to 1",
        ),
        (
            "capture_rate_hz=fast",
            "parameter capture_rate_hz is 'fast': Input should be a valid num",
        ),
        ("overwrite=perhaps", "parameter overwrite is 'perhaps': Input should be a valid boolean"),
        ("video=Evaluation.mp4", "rename the video: angles, conversion, evaluation, training are"),
        ("subject.height=178", "centimetres? Then write 1.78"),
        ("subject.height=-1", "0.4 to 2.8 metres"),
        ("subject.height=true", "subject.height is True: true and false are no"),
        ("subject.height=abc", "subject.height is 'abc'"),
        ("subject.hight=1.78", "did you mean subject.height?"),
        ("modle=lite", "did you mean model?"),
        ("model=medium", "model is 'medium'; allowed are lite, full, heavy"),
        ("model=heavy", "download pose_landmarker_heavy.task"),
        ("person=biggest", "person is 'biggest'"),
        ("sigma_samples=1", "one sample has no spread"),
        ("provider=cuda", "install the package onnxruntime-gpu"),
        ("provider=tpu", "provider is 'tpu'"),
        ("refiner=magic", "refiner is 'magic'"),
        ("repair.cutoff_hz=0", "repair.cutoff_hz is 0"),
        ("zero=static_trial", "static_trial=<path"),
        (
            "static_trial=nosuch.csv",
            "'nosuch.csv': static_trial is given, but zero is none; say zero=static_trial, or leav",
        ),
    ],
)
def test_bad_parameters_are_told_in_one_line(kedro_run, parameters, says):
    code, said = kedro_run("--params", parameters)
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith("Error: ")
    assert says in message
    assert "Traceback" not in said


def test_an_environment_that_is_not_there_is_told_with_those_that_are(kedro_run):
    code, said = kedro_run("--env", "foo")
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith("Error: there is no environment 'foo' in ")
    assert "base" in message
    assert "gpu" in message
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--runner", "ParallelRunner"),
            "steps of a pipeline cannot be spread over processes; allowed are ThreadRunner, S",
        ),
        (
            ("--pipeline", "data_conversion", "--runner", "kedro.runner.ParallelRunner"),
            "How many processes work is said by parameters: workers for data_conversion, angles.",
        ),
        (
            ("--pipelines", "data_conversion,evaluation"),
            "data_conversion writes training_shards, evaluation may read its file, and a run of "
            "both does not know which comes first; run them one after the other: kedro run "
            "--pipeline data_conversion, then kedro run --pipeline evaluation",
        ),
        (
            ("--pipelines", "inference,depth_training", "--params", "training.name=mine"),
            "kedro run --pipeline depth_training, then kedro run --pipeline inference",
        ),
        (
            ("--pipeline", "joint_training", "--params", "joint_training.name=a/b"),
            "joint_training.name is 'a/b'; allowed are up to 60 letters",
        ),
        (("--runner", "FooRunner"), "runner is 'FooRunner', but there is none such"),
        (
            ("--from-nodes", "compute_angles"),
            "gait_found, opensim_angles, opensim_quality would be missing, which no file keeps; "
            "say --from-nodes compute_angles,find_gait,solve_opensim, so that it is made again",
        ),
        (
            ("--from-nodes", "write_report"),
            "--from-nodes write_report,find_gait,solve_opensim,compute_angles,zero_angles, so that",
        ),
        (
            ("--from-nodes", "computeangles"),
            "nodes named ['computeangles']; the steps of this pipe",
        ),
        (
            ("--to-outputs", "angels"),
            "datasets named ['angels']; the steps of this pipeline are de",
        ),
        (("--tags", "angles"), "Pipeline contains no nodes after applying all provided filters"),
    ],
)
def test_a_run_that_kedro_cannot_make_is_told_in_one_line(kedro_run, arguments, says):
    code, said = kedro_run(*arguments)
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith("Error: ")
    assert says in message
    assert "Traceback" not in said


@pytest.mark.parametrize("pipeline", ["inference", "evaluation"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "refiner: [none\nvideo: }",
            "cannot be read as YAML: expected ',' or ']', but got ':' in l",
        ),
        ("refiner: none\nrefiner: main", "as YAML: found duplicate key refiner in line 2; put"),
        ("- refiner\n- video", "is a list; allowed are lines of a name and a value"),
    ],
)
def test_a_broken_file_of_parameters_is_told_with_its_place(
    copy, kedro_run, pipeline, content, says
):
    stated = copy / "conf" / "test" / "parameters_of_the_test.yml"
    stated.write_text(content)
    try:
        code, said = kedro_run("--pipeline", pipeline)
    finally:
        stated.unlink()
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith(f"Error: {stated} ")
    assert says in message


def _broken_overlay(path, data):
    raise OutputError(f"cannot write {path}: no room")


@pytest.fixture
def before_the_overlay(copy, monkeypatch):
    """What the step that draws the overlay reads; its drawing fails."""
    monkeypatch.setattr("gonio.datasets.video.write_overlay", _broken_overlay)
    bootstrap_project(copy)
    with KedroSession.create(project_path=copy, env="test") as session:
        catalog = session.load_context().catalog
    catalog.save("landmarks", repair_landmarks(standing(n=8)[0]))
    shutil.copy(demo_video(), catalog.get("video_small").path)


def test_an_overlay_that_cannot_be_written_fails_the_run(kedro_run, before_the_overlay):
    code, said = kedro_run("--nodes", "draw_overlay")
    assert code == 1
    assert said.strip().splitlines()[-1].startswith("Error: cannot write ")
    assert "overlay.mp4: no room" in said.replace("\n", "")


def test_an_overlay_that_fails_is_told_where_another_step_fails(
    copy, kedro_run, before_the_overlay, caplog
):
    markers = copy / "data" / "test" / "07_model_output" / "cam01" / "markers_augmented.trc"
    markers.unlink(missing_ok=True)
    code, said = kedro_run("--nodes", "draw_overlay,find_gait", "--runner", "SequentialRunner")
    assert code == 1
    assert said.strip().splitlines()[-1].startswith(f"Error: there is no {markers}")
    assert "overlay.mp4 is not written: cannot write " in caplog.text


@pytest.mark.parametrize(("error", "traced"), [(RuntimeError, True), (InputError, False)])
def test_what_nobody_foresaw_in_a_folder_is_logged_with_its_place(
    kedro_run, monkeypatch, tmp_path, caplog, error, traced
):
    from gonio import cli

    def stumble(**arguments):
        raise error("stumbled")

    monkeypatch.setattr(cli, "RUN_KEDRO", stumble)
    (tmp_path / "a.mp4").write_text("")
    assert kedro_run("--params", f"video={tmp_path}")[0] == 1
    assert "a.mp4 failed: stumbled" in caplog.text
    assert ("in stumble" in caplog.text) == traced


@pytest.mark.parametrize("error", [TypeError, KeyError, AttributeError, AssertionError])
def test_a_folder_goes_on_after_what_nobody_foresaw(
    kedro_run, monkeypatch, tmp_path, caplog, error
):
    from gonio import cli

    def stumble_once(**arguments):
        if arguments["params"]["video"].endswith("a.mp4"):
            raise error("stumbled")

    monkeypatch.setattr(cli, "RUN_KEDRO", stumble_once)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("")
    code, said = kedro_run("--params", f"video={tmp_path}")
    assert code == 1
    assert f"failed  a.mp4: {error.__name__}: " in said
    assert "ok      b.mp4" in said
    assert "1 of 2 videos failed" in said
    assert "in stumble_once" in caplog.text


def test_who_stops_a_folder_stops_all_of_it(kedro_run, monkeypatch, tmp_path):
    from gonio import cli

    begun = []

    def stop(**arguments):
        begun.append(arguments["params"]["video"])
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "RUN_KEDRO", stop)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("")
    kedro_run("--params", f"video={tmp_path}")
    assert len(begun) == 1


def test_a_run_that_finds_no_video_leaves_no_folder(copy, kedro_run):
    assert kedro_run("--params", "video=nosuch.mp4")[0] == 1
    assert not list((copy / "data").rglob("nosuch"))


@pytest.fixture
def short_video(write_video):
    """A function that writes the first frames of a camera of the demo."""

    def write(path, camera):
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = list(islice(read_frames(demo_video(camera), 480), 6))
        even = [frame.rgb[: 2 * (frame.rgb.shape[0] // 2), :268] for frame in frames]
        return write_video(path, even, [frame.time_s for frame in frames])

    return write


def test_results_of_another_video_of_the_same_name_are_not_lost(
    copy, kedro_run, tmp_path, short_video
):
    """Only detection runs, which writes first; `overwrite` replaces, once and for all."""
    one = short_video(tmp_path / "a" / "short.mp4", "cam01")
    other = short_video(tmp_path / "b" / "short.mp4", "cam03")
    kept = copy / "data" / "test" / "02_intermediate" / "short" / "landmarks_detected.npz"

    def detect(video, *more):
        code, said = kedro_run("--nodes", "detect", "--params", ",".join([f"video={video}", *more]))
        return code, said.strip().splitlines()[-1], kept.read_bytes(), "Running node" in said

    code, _, before, _ = detect(one)
    assert code == 0
    code, message, after, ran = detect(other)
    assert (code, ran, after) == (1, False, before)
    assert message.startswith(f"Error: {kept.parent} holds the results of a video short.mp4 (")
    assert f"{other} (" in message
    assert "rename short.mp4, or say overwrite=true" in message
    assert detect(one)[0] == 0
    assert str(tmp_path) not in (kept.parent / "video.json").read_text()
    code, _, after, _ = detect(other, "overwrite=true")
    assert code == 0
    assert after != before
    assert detect(one)[0] == 1

    whole = ("--params", f"video={one},overwrite=true", "--from-nodes", "repair,draw_overlay")
    code, said = kedro_run(*whole)
    assert code == 1
    assert "a run cannot go on from them; run all steps, without --from-nodes" in said

    for part in ("repair", "refine_pose"):  # a run that ends before a step that opens the video
        step = ("--from-nodes", part, "--to-nodes", part, "--params", f"video={one}")
        code, said = kedro_run(*step)
        assert (code, "a run cannot go on from them" in said) == (1, True), part
    video_json = kept.parent / "video.json"
    record = video_json.read_bytes()
    video_json.unlink()
    before = {path: path.read_bytes() for path in kept.parent.glob("*")}
    code, said = kedro_run("--from-nodes", "repair,draw_overlay", "--params", f"video={other}")
    assert code == 1
    assert "holds results of an earlier version" in said
    assert {path: path.read_bytes() for path in kept.parent.glob("*")} == before
    video_json.write_bytes(record)

    assert detect(short_video(other, "cam04"))[0] == 0  # exported again to the same place
    for name in ("short.mp4", "new.mp4"):
        short_video(tmp_path / "folder" / name, "cam03")
    code, said = kedro_run("--nodes", "detect", "--params", f"video={tmp_path / 'folder'}")
    assert code == 1
    assert "ok      new.mp4" in said
    assert "failed  short.mp4" in said


def test_a_video_with_the_name_of_a_demo_camera_does_not_replace_the_demo(
    copy, kedro_run, tmp_path, short_video
):
    folder = copy / "data" / "test" / "08_reporting" / "cam03"
    folder.mkdir(parents=True)
    quality = folder / "quality.json"
    quality.write_text(json.dumps({"video": {"file": video_record(demo_video("cam03"))}}))
    own = short_video(tmp_path / "cam03.mp4", "cam03")
    code, said = kedro_run("--params", f"video={own}")
    assert code == 1
    assert f"Error: {folder} holds the results of a video cam03.mp4 (" in said
    assert kedro_run("--nodes", "detect", "--params", "video=demo/cam03")[0] == 0
    shutil.rmtree(copy / "data" / "test" / "02_intermediate" / "cam03")
    for of_earlier_versions in ('{"video": {"name": "cam03.mp4"}}', "{"):
        quality.write_text(of_earlier_versions)
        assert kedro_run("--nodes", "detect", "--params", f"video={own}")[0] == 0
        shutil.rmtree(copy / "data" / "test" / "02_intermediate" / "cam03")
    shutil.rmtree(folder)


def test_slow_motion_is_told_in_the_time_of_the_motion_everywhere(copy, kedro_run, tmp_path):
    """The demo, filmed at 60 frames a second, as if it were a second of 120 played in two."""
    video = tmp_path / "slow.mp4"
    shutil.copy(demo_video("cam04"), video)
    code, said = kedro_run("--params", f"video={video},capture_rate_hz=120,refiner=none")
    assert code == 0, said
    data = copy / "data" / "test"
    quality, report = _results(copy, "slow")
    told = quality["video"]
    assert (told["rate_hz"], told["played_rate_hz"]) == (120, 60)
    assert told["duration_s"] == pytest.approx(100 / 120, abs=1e-3)
    assert told["file"] == video_record(video) | {"capture_rate_hz": 120}
    code, said = kedro_run("--from-nodes", "repair,draw_overlay", "--params", f"video={video}")
    assert code == 1
    assert "capture_rate_hz is null, but detect, which does not run again, has results with" in said
    assert "say capture_rate_hz=120.0, or run all steps" in said
    warning = next(line for line in quality["warnings"] if "slow motion" in line)
    assert "it was filmed at 120 frames a second and plays at 60" in warning
    assert warning in html.unescape(report)
    output = data / "07_model_output" / "slow"
    times = pd.read_csv(output / "joint_angles.csv")["time_s"]
    np.testing.assert_allclose(times, np.arange(100) / 120, atol=1e-4)
    assert read_trc(output / "markers.trc").rate_hz == pytest.approx(120, rel=1e-3)
    overlay = probe(data / "08_reporting" / "slow" / "overlay.mp4")
    assert overlay.duration_s == pytest.approx(100 / 60, abs=0.05)
    for folder in (data / "02_intermediate" / "slow", output, data / "08_reporting" / "slow"):
        for path in folder.rglob("*.json"):
            assert str(tmp_path) not in path.read_text()


def test_a_file_in_the_place_of_a_folder_is_told_before_the_work(copy, kedro_run):
    place = copy / "data" / "test" / "08_reporting" / "cam04"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("no folder")
    try:
        code, said = kedro_run("--params", "video=demo/cam04")
    finally:
        place.unlink()
    assert code == 1
    assert f"{place} is no folder" in said.replace("\n", " ")


def test_a_name_in_a_file_that_nothing_reads_is_told_with_its_place(copy, kedro_run):
    stated = copy / "conf" / "test" / "parameters_of_the_test.yml"
    stated.write_text("refinr: none\n")
    try:
        code, said = kedro_run()
    finally:
        stated.unlink()
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith("Error: there is no parameter refinr, but ")
    assert "conf/test gives it; did you mean refiner" in message


@pytest.mark.parametrize(
    ("content", "more", "says"),
    [
        (None, "", "there is no file"),
        (b"", "", "is no table in CSV (No columns to parse from file)"),
        (b"\xff\xfe\x00\x01", "", "is no table in CSV"),
        (b"a,b\n1\n1,2,3,4\n", "", "is no table in CSV"),
        (b"time_s,knee_R_flexion_deg\n0,5\n", "", "lacks 35 of 36 angles, pelvis_tilt_deg among"),
        (",".join(["time_s", *ANGLE_COLUMNS]).encode(), "", "holds no frame"),
        (
            f"{','.join(['time_s', *ANGLE_COLUMNS])}\n0{36 * ','}\n".encode(),
            "",
            "has no angle in any of its frames",
        ),
        (
            f"{','.join(['time_s', *ANGLE_COLUMNS])}\n0{36 * ',1'}\n0{35 * ',1'},n/a?\n".encode(),
            "",
            f"holds 'n/a?' in row 2 of {ANGLE_COLUMNS[-1]}; allowed are finite numbers and empty c",
        ),
        (
            f"{','.join(['time_s', *ANGLE_COLUMNS])}\n0,inf{35 * ',1'}\n".encode(),
            "",
            f"holds 'inf' in row 1 of {ANGLE_COLUMNS[0]}; allowed are finite numbers and emp",
        ),
        (
            ",".join(["time_s", *ANGLE_COLUMNS]).encode(),
            ",shoulder_sequence=YXY",
            "lacks 6 of 36 angles, shoulder_R_plane_of_elevation_deg among them: say static_trial="
            "<path of the joint_angles.csv of a standing trial>, made with shoulder_sequence=YXY",
        ),
    ],
)
def test_a_static_trial_that_cannot_be_used_is_told_before_the_work(
    kedro_run, tmp_path, content, more, says
):
    trial = tmp_path / "standing.csv"
    if content is not None:
        trial.write_bytes(content)
    code, said = kedro_run("--params", f"zero=static_trial,static_trial={trial}{more}")
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert message.startswith("Error: ")
    assert says in message
    assert str(trial) in message
    assert "Running node" not in said


@pytest.fixture
def no_shipped_checkpoint(tmp_path, monkeypatch):
    """Gonio as if no checkpoint came with it."""
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "none")


@pytest.mark.parametrize(
    ("refiner", "name"), [("joint", "joint"), ("depth", "depth"), ("both", "depth")]
)
def test_a_network_without_a_checkpoint_is_told_before_the_work(
    kedro_run, no_shipped_checkpoint, refiner, name
):
    code, said = kedro_run("--params", f"refiner={refiner}")
    assert code == 1
    message = said.strip().splitlines()[-1]
    assert f"Error: there is no checkpoint of the {name} refiner" in message
    assert f"06_models/{name}_refiner.safetensors" in message
    assert "Running node" not in said


def _results(copy, video):
    reporting = copy / "data" / "test" / "08_reporting" / video
    return json.loads((reporting / "quality.json").read_text()), (
        reporting / "report.html"
    ).read_text()


def test_without_a_checkpoint_depth_is_mediapipes_and_everything_says_so(
    copy, kedro_run, no_shipped_checkpoint, caplog
):
    band = copy / "data" / "test" / "07_model_output" / "cam02" / "joint_angles_sigma.csv"
    band.parent.mkdir(parents=True, exist_ok=True)
    band.write_text("of an earlier run")
    code, said = kedro_run("--params", "video=demo/cam02")
    assert code == 0, said
    quality, report = _results(copy, "cam02")
    assert quality["refiner"] == "none"
    assert quality["refiner_asked_for"] == "main"
    assert quality["checkpoints"] == {}
    warning = next(line for line in quality["warnings"] if "No depth refiner was used" in line)
    assert "06_models/depth_refiner.safetensors" in warning
    assert "kedro run --pipeline depth_training" in warning
    assert any("taken as level" in line for line in quality["warnings"])
    assert warning in html.unescape(report)
    assert "no depth refiner: MediaPipe" in report
    assert not band.exists()
    assert str(copy) not in json.dumps(quality["warnings"])


def test_a_refiner_of_ones_own_is_used_and_its_uncertainty_reaches_the_angles(
    copy, kedro_run, write_depth_refiner
):
    path = write_depth_refiner(copy / "data" / "test" / "06_models" / "depth_refiner.safetensors")
    code, said = kedro_run("--params", "video=demo/cam02,camera.roll_deg=0,refiner=depth")
    path.unlink()
    assert code == 0, said
    quality, report = _results(copy, "cam02")
    assert quality["refiner"] == "depth"
    assert quality["angles"] == {"angles_corrected": False}
    checkpoint = quality["checkpoints"]["depth_refiner"]
    assert checkpoint["from"] == "own, in 06_models"
    gravity = quality["markers"]["gravity"]
    assert (
        gravity["source"] == "given by the user (camera.roll_deg); pitch predicted by the refiner"
    )
    assert gravity["camera_roll_deg"] == 0
    assert 5 < gravity["camera_pitch_deg"] < 20
    assert 0 <= quality["pose"]["viewpoint"]["azimuth"]["mean_deg"] < 360
    assert quality["pose"]["mean_sigma_cm"]["depth"] > quality["pose"]["mean_sigma_cm"]["across"]
    assert quality["seconds"]["propagate_sigma"] < 10
    assert f"own, in 06_models, {checkpoint['sha256']}" in report
    assert "Changed by the" not in report
    output = copy / "data" / "test" / "07_model_output" / "cam02"
    angles, band = (pd.read_csv(output / f"joint_angles{end}.csv") for end in ("", "_sigma"))
    assert list(band.columns) == list(angles.columns[:37])
    assert len(band) == len(angles)
    assert 0.5 < band["knee_R_flexion_deg"].median() < 40


@pytest.fixture
def own_refiners(copy, write_depth_refiner, write_joint_refiner, write_main_refiner):
    """Small networks of all three kinds in the user's folder."""
    folder = copy / "data" / "test" / "06_models"
    depth = write_depth_refiner(folder / "depth_refiner.safetensors")
    joint = write_joint_refiner(folder / "joint_refiner.safetensors")
    main = write_main_refiner(folder / "main_refiner.safetensors", depth, joint)
    yield
    for path in (depth, joint, main):
        path.unlink()


@pytest.mark.parametrize(
    ("refiner", "used", "bands"),
    [
        ("both", ["depth_refiner", "joint_refiner"], True),
        ("joint", ["joint_refiner"], False),
        ("main", ["main_refiner"], True),
    ],
)
def test_refined_angles_stand_beside_the_computed_ones(
    copy, kedro_run, own_refiners, refiner, used, bands
):
    code, said = kedro_run("--params", f"video=demo/cam02,refiner={refiner}")
    assert code == 0, said
    quality, report = _results(copy, "cam02")
    assert quality["refiner"] == quality["refiner_asked_for"] == refiner
    assert list(quality["checkpoints"]) == used
    change = quality["angles"]["change_of_joints"]
    assert len(change) == 12
    assert quality["angles"]["files_of_markers"] == OF_MARKERS
    assert f"Changed by the {used[-1].replace('_', ' ')}" in report
    output = copy / "data" / "test" / "07_model_output" / "cam02"
    angles, computed = (pd.read_csv(output / f"joint_angles{end}.csv") for end in ("", "_computed"))
    assert list(computed.columns) == list(angles.columns[:37])
    knee = [f"knee_R_{angle}_deg" for angle in ("flexion", "adduction", "rotation")]
    mean = (angles[knee] - computed[knee]).abs().mean(axis=None)
    assert change["knee_R"]["mean_deg"] == pytest.approx(mean, abs=2e-3)
    for end in ("_sigma", "_computed_sigma"):
        assert (output / f"joint_angles{end}.csv").is_file() == bands
    assert quality["seconds"]["refine_angles"] < 10


def test_a_run_that_refines_no_angles_leaves_no_computed_ones_of_an_earlier_run(copy, kedro_run):
    output = copy / "data" / "test" / "07_model_output" / "cam02"
    output.mkdir(parents=True, exist_ok=True)
    stale = [output / f"joint_angles_computed{end}.csv" for end in ("", "_sigma")]
    for path in stale:
        path.write_text("of an earlier run")
    code, said = kedro_run("--params", "video=demo/cam02,refiner=none")
    assert code == 0, said
    assert not any(path.exists() for path in stale)


def test_a_folder_without_videos(kedro_run, tmp_path):
    code, said = kedro_run("--params", f"video={tmp_path}")
    assert code == 1
    assert "holds no video" in said


def test_two_videos_that_would_overwrite_each_other(kedro_run, tmp_path):
    for name in ("x.mp4", "x.mov"):
        (tmp_path / name).write_text("")
    code, said = kedro_run("--params", f"video={tmp_path}")
    assert code == 1
    assert "same folder; rename one" in said


def test_an_unknown_pipeline_is_told_with_those_that_exist(kedro_run):
    code, said = kedro_run("--pipeline", "inferense")
    assert code == 1
    assert "there is no pipeline 'inferense'; there are" in said
    assert "inference" in said


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_broken_checkpoint_is_refused(copy, kedro_run, content):
    path = copy / "data" / "test" / "06_models" / "depth_refiner.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    code, said = kedro_run("--params", "refiner=depth")
    path.unlink()
    assert code == 1
    assert "is broken" in said or "no checkpoint of Gonio" in said
    assert "refiner=none" in said


def test_an_output_folder_that_cannot_be_made_is_told_before_the_work(copy, kedro_run, tmp_path):
    video = tmp_path / "blocked.mp4"
    shutil.copy(demo_video("cam01"), video)
    blocker = copy / "data" / "test" / "07_model_output" / "blocked"
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_text("a file where the folder should be")
    code, said = kedro_run("--params", f"video={video}")
    assert code == 1
    assert "output folder" in said
    assert "detect" not in said
    assert blocker.read_text() == "a file where the folder should be"


def test_a_single_frame_is_no_motion(kedro_run, tmp_path, write_video):
    path = write_video(tmp_path / "still.mp4", [np.zeros((64, 64, 3), np.uint8)], [0.0])
    code, said = kedro_run("--params", f"video={path}")
    assert code == 1
    assert "holds 1 frame" in said
