"""Modules that later nodes need, imported while detection keeps to its own thread.

Importing PyTorch takes longer than refining a short clip; detection leaves the interpreter idle
most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Thread

from gonio.options import CHECKPOINTS_OF, Refiner

NETWORKS = "gonio.models.main_refiner"
"""Imports all that the networks need."""


@contextmanager
def imported_meanwhile(refiner: Refiner) -> Iterator[None]:
    """Import what a choice of refiner needs while the body runs; it is there at the end.

    An import that fails is told by the node that needs it, not here.
    """
    if not CHECKPOINTS_OF[refiner]:
        yield
        return
    thread = Thread(target=_imported, args=(NETWORKS,), name="imports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _imported(module: str) -> None:
    with suppress(ImportError, OSError):  # what a broken installation raises
        import_module(module)
