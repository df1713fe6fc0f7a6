"""What of the chain of `inference` the shards of a source still need: one answer for all trainings.

Projected motion bears the errors that are left after repair, low-pass included, on frames 0.1 s
apart: it is neither repaired nor filtered again.
"""

from __future__ import annotations

from gonio.options import InferenceOptions, RepairOptions

ALREADY_REPAIRED = ("projected",)
"""Sources whose landmarks are as repair leaves them."""


def repair_of_source(source: str, repair: RepairOptions) -> RepairOptions:
    """The steps of repair that the landmarks of a source need.

    Args:
        source: e.g. `rendered`.
        repair: as `inference` repairs.
    """
    if source in ALREADY_REPAIRED:
        return RepairOptions(swaps=False, fill_gaps=False, filter=False)
    return repair


def chain_of_source(source: str, chain: InferenceOptions) -> InferenceOptions:
    """The parameters of `inference` for the shards of a source.

    Args:
        source: e.g. `rendered`.
        chain: the parameters of `inference`.
    """
    if source in ALREADY_REPAIRED:
        changes = {"repair": repair_of_source(source, chain.repair), "angle_cutoff_hz": None}
        return chain.model_copy(update=changes)
    return chain
