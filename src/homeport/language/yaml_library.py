"""Loads what is used of PyYAML: its parser in C with its events and errors, and no more.

`import yaml` would make the loaders and dumpers in Python too, and compile their patterns: four fifths of the time that it takes, for
nothing. So the library in C is imported into a hollow package, which has the few names that it looks for.
"""

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["PARSER", "Parser", "errors", "events"]

Parser = Callable[[str], Any]
"""Makes, of a text, what gives its events one by one."""

_MODULES_WITH_ERRORS = (
    ("reader", "ReaderError"),
    ("scanner", "ScannerError"),
    ("parser", "ParserError"),
    ("composer", "ComposerError"),
    ("constructor", "ConstructorError"),
    ("emitter", "EmitterError"),
    ("serializer", "SerializerError"),
    ("representer", "RepresenterError"),
)
"""Of these modules in Python the library in C wants one error each."""


def _load() -> tuple[Parser, ModuleType, ModuleType]:
    """The parser, the module of errors and the module of events; from the whole library where it does not come apart."""
    if "yaml" not in sys.modules and (folders := _find_folders()):
        package = sys.modules["yaml"] = ModuleType("yaml")
        package.__path__ = list(folders)
        try:
            return _load_part(package)
        except (ImportError, AttributeError):
            pass  # built without its C library, or a version that wants more than is there
        finally:
            del sys.modules["yaml"]
    return _load_whole()


def _find_folders() -> Sequence[str] | None:
    """Where the library is installed."""
    specs = (finder.find_spec("yaml", None) for finder in sys.meta_path)
    return next((spec.submodule_search_locations for spec in specs if spec is not None), None)


def _load_part(package: ModuleType) -> tuple[Parser, ModuleType, ModuleType]:
    from yaml import error, events, nodes, tokens  # noqa: F401, PLC0415 - the hollow package's

    for name, error_name in _MODULES_WITH_ERRORS:
        module = ModuleType(f"yaml.{name}")
        base = error.YAMLError if error_name == "ReaderError" else error.MarkedYAMLError
        setattr(module, error_name, type(error_name, (base,), {}))
        setattr(package, name, module)
    from yaml._yaml import CParser  # noqa: PLC0415

    return CParser, error, events


def _load_whole() -> tuple[Parser, ModuleType, ModuleType]:
    from yaml import SafeLoader, error, events  # noqa: PLC0415 - only where it has to be

    try:
        from yaml._yaml import CParser  # noqa: PLC0415
    except ImportError:
        return SafeLoader, error, events
    return CParser, error, events


if TYPE_CHECKING:
    from yaml import error as errors
    from yaml import events

    PARSER: Parser
else:
    PARSER, errors, events = _load()
