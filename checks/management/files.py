"""Configuration files as they lie on disk."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from checks.commands.document import FileProblem
from checks.commands.yaml_document import MAX_BYTES
from checks.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class FileContent:
    """
    Attributes:
        open_to_all: Whether everybody on this machine may read the file.
    """

    name: str
    content: bytes
    open_to_all: bool


def read_file(name: str) -> FileContent:
    """
    Read a file that is no larger than a configuration may be; a larger one is refused unread.

    Raises:
        InvalidInput: With a `FileProblem`.
    """
    path = Path(name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInput(FileProblem("", "is no file", None, name))
        if status.st_size > MAX_BYTES:
            allowed = f"{MAX_BYTES // 1024 // 1024} MiB"
            raise InvalidInput(FileProblem("", f"is too large: {allowed} are allowed; split it", None, name))
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(FileProblem("", f"cannot be read: {error.strerror}", None, name)) from error
    return FileContent(name, content, bool(status.st_mode & stat.S_IROTH))
