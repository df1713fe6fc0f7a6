from __future__ import annotations

import numpy as np

from gonio.capture.rendered.scene_sampling import sample_scene


def test_a_seed_is_a_scene() -> None:
    assert sample_scene(7) == sample_scene(7)
    assert sample_scene(7) != sample_scene(8)


def test_scenes_cover_what_they_should() -> None:
    scenes = [sample_scene(seed) for seed in range(600)]
    azimuths = np.array([scene.camera.azimuth_deg for scene in scenes])
    assert np.histogram(azimuths, bins=8, range=(0, 360))[0].min() > 40
    elevations = np.array([scene.camera.elevation_deg for scene in scenes])
    assert elevations.min() >= -10
    assert elevations.max() <= 40
    views = [scene.camera.field_of_view_deg for scene in scenes]
    assert min(views) >= 30
    assert max(views) <= 75
    shapes = {np.sign(w - h) for w, h in (scene.camera.image_size for scene in scenes)}
    assert shapes == {-1, 0, 1}
    assert {scene.background.kind for scene in scenes} == {"room", "open", "flat"}
    assert {scene.picture.codec for scene in scenes} == {"none", "h264", "jpeg"}
    assert {scene.clothes.hair_style for scene in scenes} == {"bald", "short", "long"}
    occluded = np.mean([bool(scene.occluders) for scene in scenes])
    assert 0.15 < occluded < 0.35


def test_directions_and_colours_are_what_they_say() -> None:
    for seed in range(50):
        scene = sample_scene(seed)
        assert np.isclose(np.linalg.norm(scene.light.direction), 1.0)
        colours = (scene.clothes.skin, scene.clothes.shirt, *scene.background.colours)
        assert all(0 <= value <= 1 for colour in colours for value in colour)
        assert all(side % 2 == 0 for side in scene.camera.image_size)
