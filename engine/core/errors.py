"""Errors by what the caller should do about them.

A message is one line: what was wrong, what is allowed, what to do next.
"""

from __future__ import annotations


class ArgusError(Exception):
    """Something failed; the command line exits 1 with this message."""

    exit_code = 1


class RunError(ArgusError):
    """A simulation or sweep could not be carried out."""


class BadInput(ArgusError):
    """What the user gave cannot be used; the command line exits 2 with this message."""

    exit_code = 2


class SpecError(BadInput):
    """A strategy spec, grid or override is not valid."""


class DataError(BadInput):
    """Market data is missing, malformed or cannot answer what a spec asks."""


class SetupError(BadInput):
    """This installation is not able to do what was asked."""


class NotFound(BadInput):
    """A named run, sweep, pack or file does not exist."""
