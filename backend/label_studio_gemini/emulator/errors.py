"""What can be wrong with an emulator itself, beside what it refuses on the wire."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator cannot start: a message, and a hint that says what would help.

    It is no class of the package's own error tree, because the emulator shares no code with the
    core; a command line shows both in the same way.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Hint: {self.hint}"
