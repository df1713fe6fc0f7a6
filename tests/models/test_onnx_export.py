from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gonio.errors import InputError
from gonio.models.depth_network import DepthRefinerConfig
from gonio.models.onnx_export import export_onnx
from tests.models.conftest import FULL, random_batch, trained_looking

REFERENCE = replace(
    FULL, temporal_layers=0, all_landmarks=False, up_head=False, sigma_head=False, limb_head=False
)


@pytest.mark.parametrize("config", [FULL, REFERENCE], ids=["full", "reference"])
def test_onnx_gives_the_same_numbers(config: DepthRefinerConfig, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the optional package onnxscript is not installed")
    import onnxruntime

    network = trained_looking(config)
    path = tmp_path / "refiner.onnx"
    export_onnx(network, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = random_batch(rows=5, frames=config.window)
    clip = batch.clip.clone()
    clip[:, 5:] = -1
    batch = batch._replace(clip=clip)
    wanted = {i.name for i in session.get_inputs()}
    given = {n: v.numpy() for n, v in batch._asdict().items() if n in wanted}
    said = dict(zip([o.name for o in session.get_outputs()], session.run(None, given), strict=True))
    with torch.inference_mode():
        refined = network(batch)
    expected = {n: v.numpy() for n, v in refined._asdict().items() if v is not None}
    assert set(said) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(said[name], values, atol=1e-4, err_msg=name)


def test_other_networks_are_refused_by_name(tmp_path: Path) -> None:
    from gonio.models.joint_refiner import JointConstraintRefiner, JointRefinerConfig

    network = JointConstraintRefiner(JointRefinerConfig(d_model=16, layers=1, heads=2))
    with pytest.raises(InputError, match="JointConstraintRefiner is no depth refiner"):
        export_onnx(network, tmp_path / "a.onnx")  # type: ignore[arg-type]
