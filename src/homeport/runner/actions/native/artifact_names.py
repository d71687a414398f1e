"""What artifacts and the files in them may be called.

Source: @actions/artifact `path-and-artifact-name-validation` (the characters that some file system refuses).
"""

from collections.abc import Mapping

from homeport.runner.host import ActionError

_IN_PATHS: Mapping[str, str] = {
    '"': 'Double quote "',
    ":": "Colon :",
    "<": "Less than <",
    ">": "Greater than >",
    "|": "Vertical bar |",
    "*": "Asterisk *",
    "?": "Question mark ?",
    "\r": "Carriage return \\r",
    "\n": "Line feed \\n",
}
_IN_NAMES: Mapping[str, str] = {**_IN_PATHS, "\\": "Backslash \\", "/": "Forward slash /"}


def check_artifact_name(name: str) -> None:
    """Raise `ActionError` for a name that GitHub refuses."""
    if not name:
        raise ActionError("Provided artifact name input during validation is empty")
    _check(name, _IN_NAMES, f"The artifact name is not valid: {name}.")


def check_file_path(path: str) -> None:
    """Raise `ActionError` for a file whose path in the artifact GitHub refuses."""
    if not path:
        raise ActionError("Provided file path input during validation is empty")
    _check(path, _IN_PATHS, f"The path for one of the files in artifact is not valid: {path}.")


def _check(text: str, refused: Mapping[str, str], message: str) -> None:
    for character, description in refused.items():
        if character in text:
            listed = ", ".join(refused.values())
            raise ActionError(
                f"{message} Contains the following character: {description}\n\nInvalid characters include: {listed}\n\n"
                "These characters are not allowed in the artifact name or file paths due to limitations with certain file "
                "systems such as NTFS."
            )
