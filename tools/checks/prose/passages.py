"""What people read in a file: prose of documents, texts of YAML, messages, docstrings, comments.

Code is left out: fenced and inline code of Markdown, searches of YAML, identifiers of Python. So
is what is generated, since its words are those of what it is generated from. Pure.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import yaml

# Values of these keys are code of another language.
_CODE_KEYS = frozenset(
    {"search", "query", "choices", "base", "all", "regex", "pattern", "extraction", "Sid"}
)
_GENERATED_FILE = re.compile(r"(?i)\A(?:.*\n){0,4}?.*<!-- generated from ")
_GENERATED_PART = re.compile(
    r"(?is)<!-- [^>]{0,80}(?:written by|generated from)[^>]*-->.*?<!-- end[^>]*-->"
)
_GENERATED_BLOCK = re.compile(r"(?ms)^# >>> .*?^# <<<")
_FENCE = re.compile(r"(?ms)^( *)```.*?^\1```")
_INLINE = re.compile(r"(`+).+?\1|\]\([^)\s]*\)|<https?://[^>]*>|<!--.*?-->", re.DOTALL)
# A text of several words, not a key or a path.
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:]? [A-Za-z]")
_LABEL = re.compile(r"[A-Z][a-z]+")
_SLASHES = re.compile(r"(?m)^\s*(?://|/\*|\*)(.*)$")
_HASH = re.compile(r"(?m)(?:^|(?<=\s))#+ ?(.*)$")


class Passage(NamedTuple):
    """A piece of text and the lines of the file from which and to which it reaches, from 1."""

    line: int
    text: str
    last_line: int = 0


def passages(path: str, text: str) -> Iterator[Passage]:
    """The passages of a file, which is known by its name. Raises ValueError for broken YAML."""
    name = PurePosixPath(path)
    read = _BY_NAME.get(name.name) or _BY_SUFFIX.get(name.suffix)
    if read is None:
        return
    if path.startswith("tests/") and name.suffix == ".py":
        read = _test
    yield from read(text)


def is_read(path: str) -> bool:
    """Whether a file of this name has passages."""
    name = PurePosixPath(path)
    return name.name in _BY_NAME or name.suffix in _BY_SUFFIX


def _blank(match: re.Match[str]) -> str:
    """As many lines, without words."""
    return "\n" * match[0].count("\n")


def _markdown(text: str) -> Iterator[Passage]:
    if _GENERATED_FILE.match(text):
        return
    for code in (_GENERATED_PART, _FENCE, _INLINE):
        text = code.sub(_blank, text)
    yield from _paragraphs(text)


def _paragraphs(text: str) -> Iterator[Passage]:
    """What is between blank lines."""
    for match in re.finditer(r"(?:^[^\S\n]*\S.*\n?)+", text, re.MULTILINE):
        yield Passage(text.count("\n", 0, match.start()) + 1, match[0])


def _lines(text: str) -> Iterator[Passage]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Passage(number, line)


def _conf(text: str) -> Iterator[Passage]:
    """Comments and descriptions, without generated blocks."""
    for passage in _lines(_GENERATED_BLOCK.sub(_blank, text)):
        if passage.text.startswith(("#", "description =")):
            yield passage


def _comments(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Passage]]:
    def read(text: str) -> Iterator[Passage]:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            yield Passage(line, _INLINE.sub(_blank, match[1]))

    return read


def _yaml(text: str) -> Iterator[Passage]:
    yield from _comments(re.compile(r"(?m)(?:^|\s)#+ (.*)$"))(text)
    try:
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ValueError(f"is no YAML: {' '.join(str(error).split())}") from error
    seen: set[int] = set()
    for document in documents:
        yield from _scalars(document, seen)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """CloudFormation's tags are read as they are."""


def _scalars(node: yaml.Node | None, seen: set[int]) -> Iterator[Passage]:
    """The texts below a node; one that several aliases name is read once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not (isinstance(key, yaml.ScalarNode) and key.value in _CODE_KEYS):
                yield from _scalars(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(value, seen)
    elif isinstance(node, yaml.ScalarNode):
        text = node.value
        if _SENTENCE.search(text) or _LABEL.fullmatch(text):
            block = node.style in {"|", ">"}
            first, last = node.start_mark.line + 1 + block, node.end_mark.line + 1
            yield Passage(first, _INLINE.sub(_blank, text), last)


def _remarks_of_python(text: str) -> Iterator[Passage]:
    """Docstrings and comments."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield Passage(token.start[0], _INLINE.sub(_blank, token.string))
        tree = ast.parse(text)
    except (tokenize.TokenError, SyntaxError) as error:
        raise ValueError(f"is no Python: {error}") from error
    yield from (_passage(node, str(node.value)) for node in _docstrings(tree))


def _test(text: str) -> Iterator[Passage]:
    """Docstrings, comments, and the sentences for which tests are named; data is not ours."""
    yield from _remarks_of_python(text)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith("test_"):
            yield Passage(node.lineno, node.name.replace("_", " "))


def _python(text: str) -> Iterator[Passage]:
    """Docstrings, comments and messages: literals of several words."""
    yield from _remarks_of_python(text)
    tree = ast.parse(text)
    read = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):  # before its parts: ast.walk goes from the top
            parts = [part for part in node.values if isinstance(part, ast.Constant)]
            read |= {id(part) for part in parts}
            message = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            message = "" if id(node) in read else node.value
        else:
            continue
        if _SENTENCE.search(message):
            yield _passage(node, message)


def _passage(node: ast.expr, text: str) -> Passage:
    return Passage(node.lineno, _INLINE.sub(_blank, text), node.end_lineno or node.lineno)


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


_BY_SUFFIX: dict[str, Callable[[str], Iterator[Passage]]] = {
    ".md": _markdown,
    ".py": _python,
    ".yml": _yaml,
    ".yaml": _yaml,
    ".conf": _conf,
    ".spec": _paragraphs,
    ".in": _comments(_HASH),
    ".toml": _comments(_HASH),
    ".js": _comments(_SLASHES),
    ".jsx": _comments(_SLASHES),
    ".mjs": _comments(_SLASHES),
}
_BY_NAME: dict[str, Callable[[str], Iterator[Passage]]] = {"Makefile": _comments(_HASH)}
