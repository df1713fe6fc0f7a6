"""Training pairs from bodies rendered in motion: no licence and no download needed.

`list_tasks` says what to render, `RenderedSequence` renders one task and knows the truth about it.
"""

from gonio.capture.rendered.import_motion import import_folder, import_motion
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import RenderedOptions, RenderedTask, list_tasks

__all__ = [
    "RenderedOptions",
    "RenderedSequence",
    "RenderedTask",
    "import_folder",
    "import_motion",
    "list_tasks",
]
