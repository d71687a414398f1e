"""The `hashFiles` function: one hash over the files that match some patterns.

Source: actions/runner `HashFilesFunction` with its `expressionFunc/hashFiles` script, which is @actions/glob and SHA-256: the files
below the workspace, found by a walk that visits names in order, folders where they stand; the hash of their hashes.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence

_FOLLOW_LINKS = "--follow-symbolic-links"
_BLOCK = 1 << 20


class HashFilesError(Exception):
    """The arguments make no sense, or a file cannot be read."""


def hash_files(arguments: Sequence[str], workspace: str, home: str) -> str:
    """The hash, in hexadecimal; empty where nothing matches. Raises `HashFilesError`."""
    patterns = list(arguments)
    follow = bool(patterns) and patterns[0].lower().startswith("--")
    if follow:
        option = patterns.pop(0)
        if option.lower() != _FOLLOW_LINKS:
            raise HashFilesError(f"Invalid glob option {option}, available option: '{_FOLLOW_LINKS}'.")
    lines = [line.strip() for pattern in patterns for line in pattern.splitlines()]
    parsed = [GlobPattern(line, workspace, home) for line in lines if line and not line.startswith("#")]
    return _hash_all(find_files(parsed, follow_links=follow), workspace)


def _hash_all(paths: Iterator[str], workspace: str) -> str:
    total = hashlib.sha256()
    count = 0
    try:
        for path in paths:
            if path.startswith(workspace + "/") and not os.path.isdir(path):
                total.update(_hash_file(path))
                count += 1
    except OSError as error:
        raise HashFilesError(f"hashFiles: {error}") from error
    return total.hexdigest() if count else ""


def _hash_file(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
        return hashlib.file_digest(file, "sha256").digest()


class GlobPattern:
    """One pattern of @actions/glob: `*`, `?`, `[…]` and `**`, a leading `!` to leave out, `~` for the home folder.

    `descend` is its option `implicitDescendants`: what matches a folder matches all that is below it.
    """

    def __init__(self, written: str, workspace: str, home: str, *, descend: bool = True) -> None:
        self._descend = descend
        marks = len(written) - len(written.lstrip("!"))
        self.is_negated = marks % 2 == 1
        text = written[marks:].strip()
        if text == "~" or text.startswith("~/"):
            text = _escape(home) + text[1:]
        self.has_trailing_slash = text.endswith("/")
        names = text.split("/")
        if ".." in names or "." in names[1:]:
            raise HashFilesError(f"Invalid pattern '{text}'. Relative pathing '.' and '..' is not allowed.")
        rooted = text if text.startswith("/") else f"{_escape(workspace)}/{text}"
        self.segments = [_Segment(segment) for segment in rooted.split("/") if segment not in {"", "."}]

    @property
    def search_path(self) -> str:
        """The deepest folder that all matches share."""
        literals: list[str] = []
        for segment in self.segments:
            if segment.literal is None:
                break
            literals.append(segment.literal)
        return "/" + "/".join(literals)

    def is_match(self, path: str, *, is_folder: bool) -> bool:
        """Whether this very path matches, or lies below a folder that does."""
        names = path.split("/")[1:] if path != "/" else []
        return _match(self.segments, 0, names, 0, descend=self._descend) and (
            not self.has_trailing_slash or is_folder or _match(self.segments, 0, names[:-1], 0, descend=self._descend)
        )

    def may_match_below(self, path: str) -> bool:
        """Whether something below this folder can match."""
        names = path.split("/")[1:] if path != "/" else []
        for segment, name in zip(self.segments, names, strict=False):
            if segment.is_globstar:
                return True
            if not segment.is_match(name):
                return False
        return True


class _Segment:
    """What stands between two slashes."""

    def __init__(self, text: str) -> None:
        self.is_globstar = text == "**"
        self.literal = None if self.is_globstar else _find_literal(text)
        self._expression = None if self.is_globstar or self.literal is not None else re.compile(_translate(text))

    def is_match(self, name: str) -> bool:
        """Whether one name matches."""
        if self.literal is not None:
            return name == self.literal
        return self._expression is None or self._expression.fullmatch(name) is not None


def _match(segments: list[_Segment], at: int, names: list[str], position: int, *, descend: bool) -> bool:
    while at < len(segments):
        segment = segments[at]
        if segment.is_globstar:
            return any(
                _match(segments, at + 1, names, start, descend=descend) for start in range(position, len(names) + 1)
            )
        if position >= len(names) or not segment.is_match(names[position]):
            return False
        at += 1
        position += 1
    return descend or position == len(names)


def find_files(patterns: Sequence[GlobPattern], *, follow_links: bool, hidden: bool = True) -> Iterator[str]:
    """What matches, in the order in which @actions/glob walks: folders where they stand, names in byte order.

    Without `hidden`, what begins with a dot is left out, with all that is below it (its option `excludeHiddenFiles`).
    """
    for root in find_roots(patterns):
        pending: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while pending:
            path, above = pending.pop()
            if not hidden and os.path.basename(path).startswith("."):
                continue
            try:
                is_folder = os.path.isdir(path) and (follow_links or not os.path.islink(path))
                if not os.path.lexists(path) or (follow_links and not os.path.exists(path)):
                    continue
            except OSError:
                continue
            if _is_selected(patterns, path, is_folder=is_folder):
                yield path
            if is_folder and any(not pattern.is_negated and pattern.may_match_below(path) for pattern in patterns):
                real = os.path.realpath(path) if follow_links else path
                if real not in above:
                    names = sorted(os.listdir(path), key=os.fsencode, reverse=True)
                    pending.extend((os.path.join(path, name), (*above, real)) for name in names)


def find_roots(patterns: Sequence[GlobPattern]) -> list[str]:
    """Where to begin: search paths that do not lie below another one (its `getSearchPaths`)."""
    paths = list(dict.fromkeys(pattern.search_path for pattern in patterns if not pattern.is_negated))
    return [path for path in paths if not any(_is_below(path, other) for other in paths if other != path)]


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _is_selected(patterns: Sequence[GlobPattern], path: str, *, is_folder: bool) -> bool:
    selected = False
    for pattern in patterns:
        if pattern.is_negated == selected and pattern.is_match(path, is_folder=is_folder):
            selected = not pattern.is_negated
    return selected


def _escape(path: str) -> str:
    return re.sub(r"([\[?*])", r"[\1]", path)


def _find_literal(segment: str) -> str | None:
    """The one name that a segment matches, or None where it has wildcards."""
    literal = ""
    position = 0
    while position < len(segment):
        character = segment[position]
        if character == "\\" and position + 1 < len(segment):
            position += 1
            literal += segment[position]
        elif character in "*?":
            return None
        elif character == "[":
            end = segment.find("]", position + 2)
            if end < 0:
                literal += character
            elif end == position + 2:
                literal += segment[position + 1]
                position = end
            else:
                return None
        else:
            literal += character
        position += 1
    return literal


def _translate(segment: str) -> str:
    expression = ""
    position = 0
    while position < len(segment):
        character = segment[position]
        end = segment.find("]", position + 2) if character == "[" else -1
        if character == "*":
            expression += ".*"
        elif character == "?":
            expression += "."
        elif character == "\\" and position + 1 < len(segment):
            position += 1
            expression += re.escape(segment[position])
        elif end > 0:
            inner = segment[position + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            expression += f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
            position = end
        else:
            expression += re.escape(character)
        position += 1
    return f"(?s:{expression})"
