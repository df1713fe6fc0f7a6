"""From a pose to joint angles, as `inference` goes: what its parameters mean for each step.

`inference` and whatever prepares data for training call the same functions with the same options,
so that a network sees in training what it will see in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gonio.errors import InputError
from gonio.kinematics.angles import angle_columns, joint_angles
from gonio.landmarks.repair import FILLED, RepairedLandmarks
from gonio.markers.augment import augment_batch
from gonio.markers.from_pose import MarkerOptions, ScaledMarkers, scaled_markers
from gonio.options import InferenceOptions
from gonio.types import FloatArray, MarkerTrajectories, RefinedPose


def markers_of(
    pose: RefinedPose, landmarks: RepairedLandmarks, options: InferenceOptions
) -> ScaledMarkers:
    """The 22 markers of a pose; those of landmarks that repair filled are flagged.

    Args:
        pose: (T, 17, 3) metres, ray frame.
        landmarks: the same T frames.
        options: subject, camera, and how missing markers are handled.

    Raises:
        InputError: as `scaled_markers`.
    """
    return scaled_markers(
        pose,
        landmarks.sequence,
        options.subject.subject(),
        MarkerOptions(options.camera, options.estimate_missing, options.min_visibility),
        estimated=(landmarks.flags & FILLED) > 0,
    )


def augmented(
    clips: Sequence[MarkerTrajectories], stature_estimate_m: float, options: InferenceOptions
) -> list[MarkerTrajectories]:
    """The 65 markers of clips of one subject, in common calls of each network.

    Args:
        clips: (T, 22, 3) each, the same frames; a frame that is incomplete in one of them is left
            out in all.
        stature_estimate_m: stature where the subject's is not known.
        options: subject, provider, ensemble, symmetry, and whether missing inputs are completed.

    Raises:
        InputError, MissingFileError: as `augment_batch`.
    """
    return augment_batch(
        clips,
        options.subject.subject(),
        provider=options.provider,
        cycles=options.augmentation_cycles,
        noise_m=options.augmentation_noise_m,
        symmetric=options.augmentation_symmetric,
        force_complete=options.force_complete,
        height_m=stature_estimate_m,
    )


def angles_of(
    markers: MarkerTrajectories,
    options: InferenceOptions,
    turns: Mapping[str, FloatArray] | None = None,
) -> pd.DataFrame:
    """Joint angles of the 65 markers; see `joint_angles`.

    Args:
        markers: (T, 65, 3) metres, lab frame.
        options: cut-off of the low-pass, and the sequence of the shoulder.
        turns: of segments whose markers sit elsewhere than the augmenter puts them.

    Raises:
        InputError: as `joint_angles`.
    """
    return joint_angles(
        markers,
        cutoff_hz=options.angle_cutoff_hz,
        shoulder_sequence=options.shoulder_sequence,
        turns=turns,
        own_axes=True,
    )


def check_static_trial(static: pd.DataFrame, options: InferenceOptions) -> None:
    """See that angles can be made relative to a static trial, if that is what is wanted.

    Args:
        static: angles of the trial; a table without columns where there is no file.
        options: how angles are zeroed, where the trial lies, and the sequence of the shoulder.

    Raises:
        InputError: the trial is missing, holds no frame, lacks an angle, holds what is no finite
            number, or has no value at all. Empty cells are allowed.
    """
    if options.zero != "static_trial":
        return
    wanted = "say static_trial=<path of the joint_angles.csv of a standing trial>"
    if static.columns.empty:
        missing = (
            f"there is no file {options.static_trial} (a relative path begins at the project)"
            if options.static_trial
            else "no trial is given"
        )
        raise InputError(f"zero is static_trial, but {missing}: {wanted}")
    trial = options.static_trial or "static_trial.csv"
    columns = angle_columns(options.shoulder_sequence)
    lacking = [name for name in columns if name not in static]
    if lacking:
        raise InputError(
            f"the static trial {trial} lacks {len(lacking)} of 36 angles, {lacking[0]} among them: "
            f"{wanted}, made with shoulder_sequence={options.shoulder_sequence}"
        )
    if static.empty:
        raise InputError(f"the static trial {trial} holds no frame: {wanted}")
    for name in columns:
        numbers = pd.to_numeric(static[name], errors="coerce")
        wrong = static[name].notna() & ~np.isfinite(numbers)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise InputError(
                f"the static trial {trial} holds {str(static[name].iloc[row])!r} in row {row + 1} "
                f"of {name}; allowed are finite numbers and empty cells: {wanted}"
            )
    if not static[columns].notna().any(axis=None):
        raise InputError(f"the static trial {trial} has no angle in any of its frames: {wanted}")
