from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.kinematics.gait import OF_THE_LENS, GaitEvents, NotGait
from gonio.kinematics.gait_phases import FootPhases, GaitPhases
from gonio.models.record import angle_record
from gonio.quality import OF_MARKERS
from gonio.reporting.figures import figure_png, joint_angle_figure
from gonio.reporting.payload import decoded
from gonio.reporting.report import (
    NO_PHASES,
    OF_EVENTS,
    ReportContent,
    report_html,
)
from gonio.trc import read_trc

LEVEL = {"camera_pitch_deg": 0.0, "camera_roll_deg": 0.0, "source": "assumed"}
_EVIL = 'joey</script><script>alert("1")</script><img src=x onerror=alert(2)>&\u2028.mp4'
_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class _Page(HTMLParser):
    """Collects what a browser would: elements, the text of scripts, the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            self.scripts[-1] += data
        elif inside == "style":
            self.styles.append(data)
        elif data.strip():
            self.text.append(data.strip())

    @property
    def visible(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))

    @property
    def data(self):
        return json.loads(self.scripts[0])


@pytest.fixture
def content(angles, markers) -> ReportContent:
    return ReportContent(
        title="joey.mp4",
        video={"date": "2024-05-13", "duration_s": 2.0, "rate_hz": 60.0},
        subject={"stature_m": 1.78},
        pose={"refiner": "none", "depth_corrected": False},
        gravity=LEVEL,
        scale="stature 1.78 m",
        markers=markers,
        angles=angles,
    )


def test_nothing_is_loaded_from_anywhere(content, angles):
    page = _Page(report_html(replace(content, figure=figure_png(joint_angle_figure(angles), 40))))
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"@import|url\(", "".join(page.styles))
    own = "".join(page.scripts[2:])
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon", own)
    policy = next(a["content"] for t, a in page.elements if "http-equiv" in a)
    assert "default-src 'none'" in policy


def test_the_chart_library_is_told_to_send_nothing(content):
    own = _Page(report_html(content)).scripts[3]
    assert "showSendToCloud: false" in own
    assert 'plotlyServerURL: ""' in own


def test_text_from_outside_cannot_break_out(content):
    evil = replace(
        content,
        title=_EVIL,
        warnings=(_EVIL,),
        video={"file": _EVIL, _EVIL: 1},
        parameters={"video": _EVIL, "nested": {_EVIL: _EVIL}},
        quality={"checkpoint": _EVIL, "table": [{"a": _EVIL}, {"a": "b"}]},
        summary=pd.DataFrame({_EVIL: [_EVIL]}),
        gait=NotGait(_EVIL),
        limits=(_EVIL,),
        scale=_EVIL,
        pose={
            "depth_corrected": True,
            "checkpoint": dict.fromkeys(("file", "from", "sha256"), _EVIL),
        },
        gravity=LEVEL | {"source": _EVIL},
    )
    page, plain = _Page(report_html(evil)), _Page(report_html(content))
    assert len(page.scripts) == len(plain.scripts) == 4
    assert page.scripts[1:] == plain.scripts[1:]
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert page.data["title"] == _EVIL
    assert page.visible.count('<script>alert("1")</script>') >= 9


def test_the_page_carries_the_angles_and_markers_it_was_given(content, angles, markers):
    data = _Page(report_html(content)).data
    for column in angles.columns.drop("time_s"):
        packed = data["tables"]["absolute"][column]
        np.testing.assert_allclose(decoded(packed["y"], "<f4"), angles[column], atol=1e-4)
    skeleton = data["skeleton"]
    xyz = decoded(skeleton["positions"], "<i2").reshape(skeleton["frames"], -1, 3)
    expected = markers.positions[::2]
    np.testing.assert_allclose(
        np.array(skeleton["origin_m"]) + xyz * skeleton["unit_m"], expected, atol=0.000501
    )
    assert set(data["tables"]) == {"absolute"}


def test_optional_tables_are_carried_and_shown_only_if_given(content, angles):
    plain = _Page(report_html(content)).visible
    for heading in ("Summary", "Gait", "Quality", "Read this first", "All joints", "Parameters"):
        assert heading not in plain
    zeroed = angles.copy()
    zeroed["hip_R_flexion_deg"] -= 10
    full = replace(
        content,
        zeroed=zeroed,
        opensim=angles[["time_s", "hip_R_flexion_deg"]][::2],
        summary=pd.DataFrame({"joint": ["hip"], "rom_deg": [41.26]}),
        gait=NotGait("both feet stand still."),
        quality={"swaps_repaired": 28},
        parameters={"cutoff_hz": 6.0},
        warnings=("The camera is assumed level.",),
    )
    page = _Page(report_html(full))
    for words in (
        "This clip is not gait: both feet stand still.",
        "Swaps repaired 28",
        "ROM (°) hip 41.3",
        "Cutoff 6 Hz",
        "Read this first The camera is assumed level.",
    ):
        assert words in page.visible
    tables = page.data["tables"]
    assert set(tables["opensim"]) == {"hip_R_flexion_deg"}
    assert len(decoded(tables["opensim"]["hip_R_flexion_deg"]["y"], "<f4")) == 60
    assert decoded(tables["zeroed"]["hip_R_flexion_deg"]["y"], "<f4")[0] == pytest.approx(
        angles["hip_R_flexion_deg"][0] - 10, abs=1e-4
    )


def test_refiner_scale_date_and_estimates_are_stated(content, markers):
    visible = _Page(report_html(content)).visible
    assert "no depth refiner: MediaPipe's own depth" in visible
    assert "Scale stature 1.78 m" in visible
    assert "Date 2024-05-13 Duration 2 s Rate 60 Hz" in visible
    assert "no marker was estimated" in visible
    estimated = markers.estimated.copy()
    estimated[:, markers.names.index("Head")] = True
    pose = {"refiner": "depth", "depth_corrected": True}
    flagged = replace(content, pose=pose, markers=replace(markers, estimated=estimated))
    visible = _Page(report_html(flagged)).visible
    assert "Depth corrected by depth" in visible
    assert "no depth refiner" not in visible
    assert "1.5 % of all marker samples; throughout: Head" in visible


def test_singular_and_estimated_spans_reach_the_page(content, angles):
    near = pd.DataFrame({"shoulder_R_near_singularity": np.arange(len(angles)) < 30})
    estimated = pd.DataFrame({"ankle_L": np.arange(len(angles)) >= 60, "ankle_R": False})
    data = _Page(
        report_html(
            replace(
                content,
                near_singularity=near,
                estimated=estimated,
            )
        )
    ).data
    assert data["singular"] == {"shoulder_R": [[0.0, pytest.approx(29.5 / 60, abs=1e-4)]]}
    assert data["estimated"] == {
        "ankle_L": [[pytest.approx(59.5 / 60, abs=1e-4), pytest.approx(119 / 60, abs=1e-4)]]
    }


def test_the_band_is_carried_with_the_curves_and_explained(content, angles):
    plain = _Page(report_html(content))
    assert "±1 SD), from" not in plain.visible
    assert "s" not in plain.data["tables"]["absolute"]["knee_R_flexion_deg"]
    sigma = angles * 0 + 2.5
    page = _Page(report_html(replace(content, sigma=sigma, zeroed=angles)))
    assert "one standard deviation to either side (±1 SD)" in page.visible
    for table in ("absolute", "zeroed"):
        packed = page.data["tables"][table]["knee_R_flexion_deg"]["s"]
        assert set(decoded(packed, "<f4")) == {2.5}
    with pytest.raises(InputError, match="sigma"):
        replace(content, sigma=sigma[:5])


def test_refined_angles_stand_beside_the_computed_ones_with_a_table_of_changes(content, angles):
    plain = _Page(report_html(content))
    assert "Changed by" not in plain.visible
    assert "joint_angles_computed.csv" not in plain.visible
    assert OF_MARKERS not in plain.visible
    computed = angles.copy()
    computed.loc[30, "hip_R_rotation_deg"] -= 12.5
    record = angle_record(computed, angles, "joint")
    page = _Page(
        report_html(
            replace(
                content,
                computed=computed,
                computed_sigma=angles * 0 + 4.0,
                sigma=angles * 0 + 2.5,
                angle_record=record,
            )
        )
    )
    packed = page.data["tables"]["computed"]["hip_R_rotation_deg"]
    np.testing.assert_allclose(
        decoded(packed["y"], "<f4"), computed["hip_R_rotation_deg"], atol=1e-4
    )
    assert set(decoded(packed["s"], "<f4")) == {4.0}
    assert "Angles corrected by joint; changed by 0.0° in the mean" in page.visible
    assert "Changed by the joint refiner" in page.visible
    assert "Mean (°) Largest (°) Angle Time (s)" in page.visible
    assert "Hip R 0.04 12.5 rotation 0.50 Hip L 0.00 0.0" in page.visible
    assert f"(joint_angles_computed.csv). {OF_MARKERS}" in page.visible
    with pytest.raises(InputError, match="computed has 5 rows"):
        replace(content, computed=computed[:5])


def test_gait_events_are_listed_and_drawn(content):
    strikes = {"R": np.array([0.2, 1.3]), "L": np.array([0.75, 1.85])}
    offs = {"R": np.array([0.9]), "L": np.array([0.35])}
    strides = {"R": np.array([[0.2, 1.3]]), "L": np.array([[0.75, 1.85]])}
    found = GaitEvents(strikes, offs, strides, 1.32)
    page = _Page(report_html(replace(content, gait=found)))
    assert NO_PHASES in page.visible
    assert "camera.field_of_view_deg" not in page.visible
    assert "Cadence 109 steps/min Stride time 1.1 s Stride length 1.32 m" in page.visible
    assert "Right foot strike 0.20, 1.30 Left foot strike 0.75, 1.85" in page.visible
    assert page.data["events"]["Left foot off"] == [0.35]


def test_angles_over_the_gait_cycle_are_shown_where_there_are_any(content):
    shown = report_html(replace(content, gait_cycles=b"picture", gait=NotGait("no.")))
    assert "over the gait cycle, mean and standard deviation" in shown
    assert "data:image/png;base64,cGljdHVyZQ==" in shown
    assert "over the gait cycle" not in report_html(replace(content, gait=NotGait("no.")))


def test_phases_of_a_walk_are_shown_with_what_they_are_worth(content):
    times = {"R": np.array([0.2, 1.3]), "L": np.array([0.75, 1.85])}
    strides = {side: times[side][None] for side in times}
    feet = {"R": FootPhases(4, 0.625, 0.66), "L": FootPhases(3, 0.591)}
    phases = GaitPhases(feet, 0.216)
    found = GaitEvents(times, times, strides, 1.32, 0.2, phases)
    visible = _Page(report_html(replace(content, gait=found))).visible
    assert "Double support 21.6 %" in visible
    assert "Strides Stance (%) Swing (%) Step length (m)" in visible
    assert "Right 4 62.5 37.5 0.66 Left 3 59.1 40.9 –" in visible
    assert OF_EVENTS in visible
    assert NO_PHASES not in visible


def test_a_stride_length_of_a_walk_along_the_cameras_axis_is_no_bare_fact(content):
    times = {"R": np.array([0.2, 1.3]), "L": np.array([0.75, 1.85])}
    strides = {side: times[side][None] for side in times}
    for depth_share, told in ((0.9, True), (0.2, False), (np.nan, False)):
        found = GaitEvents(times, times, strides, 1.32, depth_share)
        assert (OF_THE_LENS in _Page(report_html(replace(content, gait=found))).visible) == told


def test_summary_columns_without_values_are_left_out(content):
    summary = pd.DataFrame({"joint": ["hip"], "missing_share": [0.25], "cycles": [np.nan]})
    visible = _Page(report_html(replace(content, summary=summary))).visible
    assert "Summary Joint Missing (%) hip 25.0" in visible
    assert "Cycles" not in visible


def test_the_height_of_the_picture_is_not_taken_for_the_stature(content):
    video = {"width": 1080, "height": 1920}
    page = _Page(report_html(replace(content, video=video, subject={"height_m": 1.78})))
    assert "Image 1080 × 1920 px Stature 1.78 m" in page.visible


def test_the_rate_at_which_it_plays_is_told_where_it_is_another(content):
    for played, words in (
        (30.0, "Rate 240 Hz Played rate 30 Hz Duration"),
        (240.0, "Rate 240 Hz D"),
    ):
        video = {"rate_hz": 240.0, "played_rate_hz": played, "duration_s": 0.5}
        assert words in _Page(report_html(replace(content, video=video))).visible


def test_the_same_content_gives_the_same_page(content):
    assert report_html(content) == report_html(content)


def test_tables_of_other_lengths_are_refused(content, angles):
    with pytest.raises(InputError, match="zeroed"):
        replace(content, zeroed=angles[:5])
    with pytest.raises(InputError, match="time_s"):
        replace(content, opensim=angles[["hip_R_flexion_deg"]])


def test_ten_minutes_stay_below_25_megabytes(content, make_angles, make_markers):
    angles = make_angles(frames=36_000)
    long = replace(
        content,
        angles=angles,
        zeroed=angles,
        opensim=angles,
        markers=make_markers(frames=36_000),
    )
    assert len(report_html(long).encode()) < 25e6


_PROBE = """<script>
setTimeout(() => {
  const canvas = document.getElementById("skeleton");
  const painted = () => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let red = 0, blue = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      if (pixels[i] > 180 && pixels[i + 2] < 60 && pixels[i + 3] > 200) red++;
      if (pixels[i + 2] > 150 && pixels[i] < 60 && pixels[i + 3] > 200) blue++;
    }
    return [red, blue];
  };
  const seek = document.getElementById("seek");
  const found = { painted: painted(), errors: window.failures };
  found.tabs = [...document.querySelectorAll("#joints button")].map((b) => b.textContent);
  seek.value = "1"; seek.dispatchEvent(new Event("input"));
  found.clock = document.getElementById("clock").textContent;
  found.cursor = document.getElementById("cursor").style.display;
  document.querySelectorAll("#joints button")[2].click();
  found.bare = painted();
  document.getElementById("augmented").click();
  found.augmented = painted();
  document.getElementById("play").click();
  setTimeout(() => {
    const all = (selector, read) => [...document.querySelectorAll(selector)].map(read);
    found.headings = all("#plot .annotation-text", (text) => text.textContent);
    found.legend = all("#plot .legendtext", (text) => text.textContent);
    found.curves = document.querySelectorAll("#plot .scatterlayer .trace").length;
    found.bands = all("#plot .js-fill", (path) => path.getAttribute("d")).filter(Boolean).length;
    found.buttons = all("#plot .modebar-btn", (button) => button.dataset.title);
    found.played = Number(seek.value);
    const pre = document.createElement("pre");
    pre.id = "found"; pre.textContent = JSON.stringify(found);
    document.body.append(pre);
  }, 1500);
}, 1500);
</script>"""
# A page that nobody sees gets no animation frames: a timer stands in for them.
_WATCH = """<script>window.failures = [];
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);
addEventListener("error", (e) => window.failures.push(e.message));
addEventListener("securitypolicyviolation", (e) => window.failures.push(e.blockedURI));</script>"""


@pytest.mark.skipif(_CHROMIUM is None, reason="no Chromium here to open the page in")
def test_a_browser_draws_the_skeleton_and_the_curves_without_a_complaint(content, tmp_path: Path):
    sigma = content.angles * 0 + 3.0
    sigma.loc[40:50, "hip_R_adduction_deg"] = np.nan  # the band has a hole
    refined = {"computed": content.angles, "computed_sigma": sigma}
    html = report_html(
        replace(content, title=_EVIL, opensim=content.angles, sigma=sigma, **refined)
    )
    html = html.replace("<head>", "<head>" + _WATCH, 1)
    head, foot = html.rsplit("</body>", 1)
    page = tmp_path / "page.html"
    page.write_text(head + _PROBE + "</body>" + foot, encoding="utf-8")
    switches = "--headless --no-sandbox --disable-gpu --no-first-run --disable-sync "
    switches += "--disable-background-networking --disable-component-update --window-size=1200,1200"
    dump = subprocess.run(
        [
            str(_CHROMIUM),
            *switches.split(),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    found = json.loads(_text_of(dump, "found"))
    assert found["errors"] == []
    assert min(found["painted"]) > 100  # both sides of the body stand on the canvas
    assert found["tabs"] == ["Pelvis", "Trunk", "Hip", "Knee", "Ankle", "Shoulder", "Elbow"]
    assert found["clock"].startswith("1.00 /")
    assert found["cursor"] == "block"
    assert found["augmented"] != found["bare"]
    assert found["played"] not in {0, 1}
    assert found["curves"] == 30  # three angles, two sides: before, after, their bands, OpenSim's
    assert found["bands"] == 12
    assert {"right", "right, as computed", "right, OpenSim"} <= set(found["legend"])
    assert any(heading.startswith("Hip adduction") for heading in found["headings"])
    assert not any("share" in (title or "").lower() for title in found["buttons"])


def _text_of(html: str, element: str) -> str:
    class Finder(HTMLParser):
        text = ""
        inside = False

        def handle_starttag(self, tag, attrs):
            self.inside = ("id", element) in attrs or (self.inside and tag != "pre")

        def handle_data(self, data):
            self.text += data if self.inside else ""

        def handle_endtag(self, tag):
            self.inside = False

    finder = Finder(convert_charrefs=True)
    finder.feed(html)
    return finder.text


def test_a_real_trial_makes_a_page(shared: Path, content, make_angles, tmp_path: Path):
    trial = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    angles = make_angles(frames=len(trial))
    angles["time_s"] = trial.time_s
    page = report_html(replace(content, markers=trial, angles=angles))
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    data = _Page((tmp_path / "report.html").read_text(encoding="utf-8")).data
    assert data["skeleton"]["names"] == list(trial.names)
    assert data["skeleton"]["start_s"] == pytest.approx(trial.start_s)
