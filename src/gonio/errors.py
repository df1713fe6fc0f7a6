"""Errors that a user reads.

Every message names the thing, the value, what was allowed and how to put it right.
The command line prints a `GonioError` as one line without a traceback.
"""


class GonioError(Exception):
    """Base of all errors whose text is written for the user."""


class InputError(GonioError, ValueError):
    """A value, a file or an array that Gonio cannot work with."""


class MissingFileError(GonioError, FileNotFoundError):
    """A file that should be there is not."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "a file is missing"


class OutputError(GonioError, OSError):
    """A result could not be written; what stood at its place before is untouched."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "a result could not be written"
