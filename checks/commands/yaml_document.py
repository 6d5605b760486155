"""
YAML read safely, with a line for everything in it.

The document is built from the parser's events by hand, because every limit has to hold while
reading, not after: size, depth, aliases and what they expand to. What YAML can do and
configuration does not need (tags, merge keys, several documents) is refused, and so is a key that
stands twice, which the usual loaders pass over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

import yaml

from checks.errors import InvalidInput, Problem
from checks.rules.reading import shown, text_expected

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_ALIASED_NODES = 10_000
"""How many values all aliases together may stand for."""
MAX_NODES = 1_000_000

Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Scalar = str | int | float | bool | date | None


@dataclass(frozen=True, slots=True)
class Node:
    """
    A value and the line, counted from 1, on which it (or its key) stands; None when it came from no file.
    """

    value: Scalar | list[Node] | dict[str, Node]
    line: int | None = None

    def plain(self) -> Any:
        """The value without its lines."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case list():
                return [node.plain() for node in self.value]
            case _:
                return self.value

    def line_of(self, path: Iterable[str]) -> int | None:
        """The line of the deepest part of `path` that exists."""
        node = self
        for part in path:
            match node.value:
                case dict() if part in node.value:
                    node = node.value[part]
                case list() if part.isdecimal() and int(part) < len(node.value):
                    node = node.value[int(part)]
                case _:
                    break
        return node.line

    @classmethod
    def of(cls, value: Any, line: int | None = None) -> Node:
        """Plain values as nodes, all on one line."""
        match value:
            case Mapping():
                return cls({str(key): cls.of(item, line) for key, item in value.items()}, line)
            case list() | tuple():
                return cls([cls.of(item, line) for item in value], line)
            case _:
                return cls(value, line)


def read(content: bytes, *, merge: bool = False) -> Node:
    """
    Args:
        merge: Carry out merge keys (``<<: *defaults``) instead of refusing them.
    Raises:
        InvalidInput: With the line, what is wrong there and what would be right.
    """
    text = _decoded(content)
    builder = _Builder(merge)
    try:
        for event in yaml.parse(text, Loader=Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        _explain(error, text)
    except yaml.reader.ReaderError as error:
        # Its position counts bytes or characters, by which of its parsers YAML uses.
        line = text.count("\n", 0, max(text.find(chr(error.character)), 0)) + 1
        message = f"the character U+{error.character:04X} cannot stand in YAML; take it out"
        raise InvalidInput(Problem("", message, line)) from error
    if builder.problems:
        raise InvalidInput(builder.problems)
    if builder.root is None:
        raise InvalidInput(Problem("", "the file is empty; a configuration begins with `checks:`"))
    return builder.root


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise InvalidInput(
            Problem("", f"the file is too large: {MAX_BYTES // 1024 // 1024} MiB are allowed; split it")
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(Problem("", "the file is not UTF-8 text; save it as UTF-8")) from error
    if "\0" in text:
        raise InvalidInput(
            Problem("", "the file holds NUL characters; UTF-8 text is needed, save it as UTF-8")
        )
    return text


@dataclass(slots=True)
class _Open:
    """
    A list or mapping that is still being read.

    Attributes:
        key: The mapping's key whose value comes next, and its line.
        height: How many levels the deepest finished child has.
        counted: The number of values before it, aliases counted as what they stand for.
    """

    value: list[Node] | dict[str, Node]
    line: int
    anchor: str | None
    counted: int
    key: tuple[str, int] | None = None
    height: int = 0


@dataclass(slots=True)
class _Anchored:
    node: Node
    height: int
    size: int


@dataclass(slots=True)
class _Builder:
    merge: bool
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    nodes: int = 0
    aliases: int = 0
    aliased: int = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                _refuse("a second document begins here (---); one file holds one document", line)
            case yaml.AliasEvent():
                self._alias(event.anchor or "", line)
            case yaml.ScalarEvent():
                self._plain_tag(event, line)
                value = resolved(event.value) if event.implicit[0] else event.value
                self._count(line)
                self._finished(Node(value, line), event.anchor, height=0, size=1)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.open.pop()
                node = Node(_merged(done.value, done.line) if self.merge else done.value, done.line)
                self._finished(node, done.anchor, height=done.height + 1, size=self.nodes - done.counted)

    def _begin(self, event: yaml.CollectionStartEvent, line: int) -> None:
        self._plain_tag(event, line)
        self._deep(1, line)
        if self._wants_key():
            _refuse("a list or mapping cannot be a key; keys are texts", line)
        self._count(line)
        value: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.open.append(_Open(value, line, event.anchor, self.nodes - 1))

    def _alias(self, anchor: str, line: int) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            _refuse(f"too many aliases (*{anchor}): {MAX_ALIASES} are allowed; write the values out", line)
        if (target := self.anchors.get(anchor)) is None:
            _refuse(f"the alias *{anchor} refers to itself or to nothing above it", line)
        self.aliased += target.size
        if self.aliased > MAX_ALIASED_NODES:
            _refuse(f"the aliases stand for more than {MAX_ALIASED_NODES} values; write the values out", line)
        self._deep(target.height, line)
        self._count(line, target.size)
        self._finished(Node(target.node.value, line), None, height=target.height, size=target.size)

    def _finished(self, node: Node, anchor: str | None, *, height: int, size: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = _Anchored(node, height, size)
        if not self.open:
            self.root = node
            return
        inside = self.open[-1]
        if isinstance(inside.value, list):
            inside.value.append(node)
        elif inside.key is None:
            inside.key = self._key(node)
            return
        else:
            (key, line), inside.key = inside.key, None
            if (earlier := inside.value.get(key)) is not None:
                path = ".".join((*self._path(), key))
                message = f"the key {key!r} stands twice, on lines {earlier.line} and {line}; keep one"
                self.problems.append(Problem(path, message, line))
            inside.value[key] = Node(node.value, line)
        inside.height = max(inside.height, height)

    def _key(self, node: Node) -> tuple[str, int]:
        line = node.line or 0
        if node.value == "<<" and not self.merge:
            _refuse("merge keys (<<) are not allowed; write the values out", line)
        if not isinstance(node.value, str):
            where = ".".join(self._path())
            raise InvalidInput(Problem(where, f"as a key: {text_expected(node.value)}", line))
        return node.value, line

    def _path(self) -> list[str]:
        """Where in the document the innermost open value stands."""
        return [outer.key[0] if outer.key else str(len(outer.value)) for outer in self.open[:-1]]

    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.open[-1].key is None

    def _count(self, line: int, more: int = 1) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            _refuse(f"more than {MAX_NODES} values; split the file", line)

    def _deep(self, levels: int, line: int) -> None:
        if len(self.open) + levels > MAX_DEPTH:
            _refuse(f"nested too deep: {MAX_DEPTH} levels are allowed", line)

    def _plain_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.tag not in (None, "!"):
            _refuse(f"the tag {shown(event.tag)} is not allowed; write the value plainly", line)


def _merged(value: list[Node] | dict[str, Node], line: int) -> list[Node] | dict[str, Node]:
    """A mapping with what its merge key points at filled in below its own keys."""
    if not isinstance(value, dict) or "<<" not in value:
        return value
    own = dict(value)
    target = own.pop("<<")
    for source in target.value if isinstance(target.value, list) else [target]:
        if not isinstance(source.value, dict):
            _refuse("a merge key (<<) needs a mapping, or a list of mappings", target.line or line)
        own = source.value | own
    return own


def _refuse(message: str, line: int) -> NoReturn:
    raise InvalidInput(Problem("", message, line))


def write(document: Mapping[str, Any]) -> str:
    """Plain values as YAML that `read()` reads the same."""
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )


class _Dumper(yaml.SafeDumper):
    """Quotes whatever `read()` would take for something else than text, and keeps lines as lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value.strip() else None
        if not isinstance(resolved(value), str) or not value.replace("\n", "").isprintable():
            style = '"'
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def sequence(self, value: list[Any]) -> yaml.SequenceNode:
        scalars = all(isinstance(item, str | int | float) for item in value)
        short = sum(len(str(item)) + 2 for item in value) < 80
        return self.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=scalars and short)


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(list, _Dumper.sequence)


TRUE = frozenset({"true", "yes", "on"})
FALSE = frozenset({"false", "no", "off"})
NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
FRACTION = re.compile(r"[-+]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,3})?|[-+]?\.[0-9]{1,40}")
NO_NUMBER = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def resolved(text: str) -> Scalar:
    """
    What an unquoted text stands for.

    The booleans and dates of YAML 1.1 are recognised, so that ``name: no`` is refused instead of
    being right or wrong by the reader's version. Its octal and sexagesimal numbers are not: 0755
    and 22:30 are texts, refused where a number is wanted.
    """
    lower = text.lower()
    if lower in TRUE or lower in FALSE:
        return lower in TRUE
    if lower in ("", "~", "null"):
        return None
    if NUMBER.fullmatch(text):
        return int(text)
    if FRACTION.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    if found := NO_NUMBER.fullmatch(text):
        return float("".join(found.groups()))
    if found := DATE.fullmatch(text):
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            return text
    return text


BARE_CONDITION = re.compile(r"\s*-\s+\[[A-Z_]+\]\S*\s")


def _explain(error: yaml.MarkedYAMLError, text: str) -> NoReturn:
    """Say what YAML's parser stumbled over in words that help its writer."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    lines = text.splitlines()
    shown_line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if re.match(r" *\t", shown_line):
        message = "the line is indented with a tab; use spaces"
    elif BARE_CONDITION.match(shown_line):
        message = 'a condition has to stand in quotes, as in - "[STATUS] == 200"'
    else:
        begun = (
            f" ({error.context}, begun on line {error.context_mark.line + 1})" if error.context_mark else ""
        )
        message = f"not readable as YAML: {error.problem}{begun}"
    raise InvalidInput(Problem("", message, line)) from error
