"""How the text of `options` and `command` falls into words.

Source: GitHub's runner hands the text to `docker create` as one string of arguments, and .NET takes it apart (`ProcessStartInfo
.Arguments`): double quotes hold words together, a backslash counts before a double quote only, single quotes are letters like others.
"""


def split_words(text: str) -> list[str]:
    """The words."""
    words: list[str] = []
    current: list[str] = []
    started = quoted = False
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            end = position
            while end < len(text) and text[end] == "\\":
                end += 1
            count = end - position
            before_quote = end < len(text) and text[end] == '"'
            current.append("\\" * (count // 2 if before_quote else count))
            started = True
            position = end
            if before_quote and count % 2:
                current.append('"')
                position += 1
            continue
        if character == '"':
            started = True
            if quoted and text[position + 1 : position + 2] == '"':
                current.append('"')
                position += 1
            else:
                quoted = not quoted
        elif character.isspace() and not quoted:
            if started:
                words.append("".join(current))
            current, started = [], False
        else:
            started = True
            current.append(character)
        position += 1
    return [*words, "".join(current)] if started else words
