import logging

import pytest

from gonio.capture.shards import write_shard
from gonio.capture.store import Outcome, ShardStore
from gonio.errors import InputError, MissingFileError
from gonio.training.recordings import EvaluationOptions, load_refiners, recorded_shards
from tests.capture.fakes import FakeSource, plan_of, small_shard


@pytest.fixture
def store(tmp_path):
    source = FakeSource(tasks=8)
    plan = plan_of(source)
    store = ShardStore(tmp_path / "shards")
    store.save(plan)
    for task in plan.tasks:
        store.save(Outcome(task, plan.parameter_hash, "done", converted=source.convert(task)))
    return store


def test_a_split_of_a_source(store):
    names = [shard.sequence for shard in recorded_shards("fake_test", store.root)]
    assert names == ["walk03", "walk07"]


def test_at_most_so_many_spread_evenly(store):
    names = [shard.sequence for shard in recorded_shards("fake_train", store.root, 2)]
    assert names == ["walk00", "walk05"]


def test_a_folder_of_shards(tmp_path):
    for name in ("b", "a"):
        write_shard(tmp_path / f"{name}.npz", small_shard(5, sequence=name))
    assert [s.sequence for s in recorded_shards("folder", tmp_path)] == ["a", "b"]


def test_no_shard_is_said_with_the_remedy(tmp_path, store):
    with pytest.raises(InputError, match=r"'folder' has no shard.*shards_folder="):
        recorded_shards("folder", tmp_path)
    with pytest.raises(InputError, match="no shards of rendered; converted so far: fake"):
        recorded_shards("rendered_test", store.root)


def test_names_of_recordings_on_the_command_line():
    options = EvaluationOptions.from_parameters({"recordings": "demo+rendered_test"})
    assert options.recordings == ("demo", "rendered_test")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recordings": ["demos"]}, "recordings.*<source>_<split>"),
        ({"recordings": ["rendered_tests"]}, "recordings"),
        ({"recordings": []}, "recordings"),
        ({"recordings": ["demo", "demo"]}, "each once"),
        ({"max_shards": 0}, "max_shards"),
        ({"checkpoint": {}}, "evaluation: parameter checkpoint"),
        ({"checkpoints": {"raw": "x"}}, "raw are rows already"),
        ({"checkpoints": {"shipped - feet": "x"}}, "shipped - feet are rows already"),
    ],
)
def test_what_is_not_allowed_is_named(parameters, message):
    with pytest.raises(InputError, match=message):
        EvaluationOptions.from_parameters(parameters)


@pytest.mark.parametrize("given", [5, "demo", ["demo"], False])
def test_the_options_are_a_group(given):
    with pytest.raises(InputError, match=r"parameter evaluation is .*such as evaluation\."):
        EvaluationOptions.from_parameters(given)
    assert EvaluationOptions.from_parameters(None) == EvaluationOptions()


def test_without_a_shipped_checkpoint_there_is_no_row_and_the_log_says_so(
    tmp_path, monkeypatch, caplog
):
    from gonio.models import depth_refiner, main_refiner

    for module in (depth_refiner, main_refiner):
        monkeypatch.setattr(module, "SHIPPED_CHECKPOINT", tmp_path / "none.safetensors")
    with caplog.at_level(logging.WARNING):
        assert load_refiners(EvaluationOptions()) == {}
    assert "no row 'shipped'" in caplog.text
    assert load_refiners(EvaluationOptions(shipped=False)) == {}


def test_a_missing_main_refiner_is_named_as_such(tmp_path, monkeypatch, caplog):
    from gonio.models import main_refiner

    monkeypatch.setattr(main_refiner, "SHIPPED_CHECKPOINT", tmp_path / "none.safetensors")
    with caplog.at_level(logging.WARNING):
        assert list(load_refiners(EvaluationOptions())) == ["shipped"]
    assert "no row 'main'" in caplog.text
    assert "no row 'shipped'" not in caplog.text


def test_the_steps_of_use_are_rows_where_they_are_asked_for():
    rows = list(load_refiners(EvaluationOptions(steps_of_use=True)))
    assert rows == [
        "shipped - mirror average",
        "shipped - smooth",
        "shipped - skeleton fit",
        "shipped + known gravity",
        "shipped + true image points",
        "shipped",
        "main",
    ]


def test_a_named_checkpoint_must_be_there(tmp_path):
    options = EvaluationOptions(checkpoints={"mine": str(tmp_path / "x.safetensors")})
    with pytest.raises(MissingFileError, match=r"x\.safetensors"):
        load_refiners(options)
