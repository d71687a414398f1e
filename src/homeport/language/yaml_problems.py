"""What the YAML library's complaints mean to an author, and what to do about each."""

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One complaint in plain words."""

    message: str
    hint: str | None = None


_NOT_CLOSED = "add the missing closing character, or put the text in quotes"
_INDENTATION = "compare the indentation with the lines above: entries of one mapping or list begin in the same column"

_PROBLEMS: dict[str, Problem] = {
    "mapping values are not allowed in this context": Problem(
        "a ':' stands where no key can begin", "put text that contains ': ' in quotes, or mend the indentation"
    ),
    "could not find expected ':'": Problem(
        "a key is not followed by ':'", "write 'key: value', or mend the indentation"
    ),
    "did not find expected key": Problem("a key, or the end of the mapping, was expected here", _INDENTATION),
    "did not find expected '-' indicator": Problem("a list item ('- …') was expected here", _INDENTATION),
    "did not find expected ',' or ']'": Problem("a list that begins with '[' is not closed", _NOT_CLOSED),
    "did not find expected ',' or '}'": Problem("a mapping that begins with '{' is not closed", _NOT_CLOSED),
    "did not find expected node content": Problem("a value was expected here", _NOT_CLOSED),
    "found unexpected end of stream": Problem(
        "text in quotes is not closed before the end of the file", "add the closing quote"
    ),
    "found unexpected document indicator": Problem(
        "text in quotes is not closed before a '---' line", "add the closing quote"
    ),
    "found unknown escape character": Problem(
        "an unknown escape sequence in double quotes", "use single quotes, in which a backslash is a backslash"
    ),
    "did not find expected alphabetic or numeric character": Problem(
        "'&' or '*' is not followed by the name of an anchor", "put text that begins with '&' or '*' in quotes"
    ),
    "did not find expected whitespace or line break": Problem(
        "a word that begins with '!', '&' or '*' is read as a tag, an anchor or an alias",
        "put the text in quotes; a condition that begins with '!' can be written ${{ !… }}",
    ),
    "did not find expected comment or line break": Problem(
        "a block scalar begins with '|' or '>' and nothing else on its line",
        "move the text to the next line, or use quotes",
    ),
    "found character that cannot start any token": Problem(
        "this character cannot begin a value", "put the value in quotes"
    ),
}

_TAB = Problem("a tab indents this line; YAML is indented with spaces", "replace the tab by spaces")


def explain(context: str | None, problem: str, character: str) -> Problem:
    """The complaint in plain words. `character` is what stands at its place (empty at the end of the file)."""
    if character == "\t" and "cannot start any token" in problem:
        return _TAB
    known = _PROBLEMS.get(problem)
    if known is not None:
        return known
    return Problem(f"{context}: {problem}" if context else problem)


def explain_character(code: int) -> Problem:
    """What to say of a character that no YAML text may contain."""
    if code == 0:
        return Problem("the file contains a NUL byte: it is not text", "save the file as UTF-8")
    return Problem(
        f"the control character U+{code:04X} is not allowed in YAML",
        'remove it, or write it as "\\x…" in double quotes',
    )
