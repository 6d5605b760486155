"""The key that signs sessions, generated once per installation."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def kept_in(path: Path) -> str:
    """
    Return the key kept in `path`; the first caller generates it, readable by its owner only.

    Two processes may start at once: the key is complete before it gets its name, and the name is
    given only once, so that both read the same one.
    """
    if not path.exists():
        try:
            _generate(path)
        except OSError as error:
            raise ImproperlyConfigured(
                f"The secret key cannot be written to {path} ({error.strerror}): "
                "make DATA_DIR writable, or set SECRET_KEY."
            ) from error
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"The secret key in {path} cannot be read: {error}.") from error
    if not key:
        raise ImproperlyConfigured(f"The secret key in {path} is empty: delete the file to get a new one.")
    return key


def _generate(path: Path) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # for its owner only
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(get_random_secret_key())
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first: its key is the one
    finally:
        os.unlink(draft)  # noqa: PTH108  mkstemp speaks in strings
