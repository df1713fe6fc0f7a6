"""Writing files so that nothing old is lost: beside the target, then moved into place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE

from gonio.errors import GonioError, OutputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and move it there once the block ends well.

    Args:
        path: the file to write; its folder is made if needed.

    Yields:
        The path to write to. It has the suffix of `path`, for writers that look at it.

    Raises:
        OutputError: the folder is not writable or the disk is full. The temporary file is
            removed and a file that stood at `path` is left as it was.
    """
    target = Path(path)
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.stem}-{token_hex(8)}{target.suffix}")
        beside.touch(exist_ok=False)
        scratch = beside
        mode = S_IMODE(scratch.stat().st_mode)  # of any new file; asking for the umask changes it
        yield scratch
        with scratch.open("rb") as written:
            os.fsync(written.fileno())
        scratch.chmod(mode)  # some writers make a file of their own in its place
        scratch.replace(target)
    except OSError as error:
        if isinstance(error, GonioError):  # some of them are OSErrors too
            raise
        raise OutputError(
            f"cannot write {target}: {error.strerror or error}. Check that the folder is writable "
            "and that the disk has room; the file that was there before is unchanged."
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` in UTF-8 to `path`, whole or not at all.

    Raises:
        OutputError: see `replacing`.
    """
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


class ScratchFile:
    """A file in a temporary folder of its own, which goes when nobody holds this any more.

    For what is too large to be handed on in memory.

    Args:
        name: of the file.
    """

    def __init__(self, name: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gonio-")
        self.path = Path(self._folder.name) / name

    def __del__(self) -> None:
        self._folder.cleanup()
