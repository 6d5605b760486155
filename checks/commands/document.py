"""What one source (a file, or the code) says there should be, with the lines where it says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType

from checks.commands import yaml_document
from checks.commands.yaml_document import Node
from checks.errors import InvalidInput, Problem
from checks.rules.reading import shown, unknown_key

TOP_LEVEL = ("checks", "pages")
NOTHING: Mapping[str, Node] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FileProblem(Problem):
    """
    A problem that knows its file, and says it as compilers do: ``checks.yaml:12: checks.api.timeout: …``.
    """

    file: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return ": ".join(part for part in (place, self.where, self.message) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """
    Attributes:
        source: What its checks belong to: ``file:checks.yaml`` or ``code``.
        file: The file's path as its reader gave it; empty for code.
        checks, pages: Definitions by slug.
        open_to_all: Whether everybody on the machine may read the file.
    """

    source: str
    file: str = ""
    checks: Mapping[str, Node] = field(default_factory=lambda: NOTHING)
    pages: Mapping[str, Node] = field(default_factory=lambda: NOTHING)
    open_to_all: bool = False

    def problem(self, message: str, *path: str, line: int | None = None) -> FileProblem:
        """A problem at a path such as ``("checks", "api", "timeout")``, with the line it stands on."""
        if line is None and len(path) > 1:
            entry = (self.checks if path[0] == "checks" else self.pages).get(path[1])
            line = entry.line_of(path[2:]) if entry else None
        return FileProblem(".".join(path), message, line, self.file)


def source_of(file: str) -> str:
    """Files are told apart by their names, wherever they lie."""
    return f"file:{PurePath(file).name}"


def read_document(file: str, content: bytes, *, open_to_all: bool = False) -> Document:
    """
    Read a configuration file. Its definitions are not judged yet, only its outline.

    Raises:
        InvalidInput: With `FileProblem`s.
    """
    return document_from(file, read_yaml(file, content), open_to_all=open_to_all)


def read_yaml(file: str, content: bytes) -> Node:
    """Raises `InvalidInput` with `FileProblem`s."""
    try:
        return yaml_document.read(content)
    except InvalidInput as error:
        raise InvalidInput(in_file(file, error.problems)) from error


def document_from(file: str, root: Node, *, open_to_all: bool = False) -> Document:
    """Raises `InvalidInput` with `FileProblem`s."""
    if not isinstance(root.value, dict):
        message = f"a mapping with the keys checks and pages expected at the top, got {shown(root.value)}"
        raise InvalidInput(FileProblem("", message, root.line, file))
    problems = [
        FileProblem(key, unknown_key(key, TOP_LEVEL), node.line, file)
        for key, node in root.value.items()
        if key not in TOP_LEVEL
    ]
    parts = {key: _by_slug(key, root.value, file, problems) for key in TOP_LEVEL}
    if problems:
        raise InvalidInput(problems)
    return Document(source=source_of(file), file=file, open_to_all=open_to_all, **parts)


def in_file(file: str, problems: Iterable[Problem]) -> list[FileProblem]:
    return [FileProblem(problem.where, problem.message, problem.line, file) for problem in problems]


def _by_slug(key: str, top: dict[str, Node], file: str, problems: list[FileProblem]) -> dict[str, Node]:
    node = top.get(key, Node({}))
    if node.value is None:
        return {}
    if not isinstance(node.value, dict):
        message = f"a mapping from slugs to definitions expected, got {shown(node.value)}"
        problems.append(FileProblem(key, message, node.line, file))
        return {}
    for slug, entry in node.value.items():
        if not isinstance(entry.value, dict):
            message = f"a mapping of settings expected, got {shown(entry.value)}"
            problems.append(FileProblem(f"{key}.{slug}", message, entry.line, file))
    return node.value
