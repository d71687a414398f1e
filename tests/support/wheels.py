"""Builds small wheels, so that pip has something to install without a network."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path


def build_wheel(folder: Path, name: str, version: str, *, script: bool = True) -> Path:
    """A pure-Python wheel whose module knows its version and whose program prints it."""
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\ndef main():\n    print({name!r}, __version__)\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{information}/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:main\n"
    files[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{information}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return path


def build_tool_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """A wheel of programs, as uv's and Node's are: what lies below `bin/` goes to `bin`, the rest beside the modules."""
    information = f"{name}-{version}.dist-info"
    placed = {
        (f"{name}-{version}.data/scripts/{path[4:]}" if path.startswith("bin/") else path): text
        for path, text in files.items()
    }
    placed[f"{information}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    placed[f"{information}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    placed[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in [*placed, f"{information}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in placed.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (
                stat.S_IFREG << 16 | (0o755 if "/bin/" in file or "/scripts/" in file else 0o644) << 16
            )
            wheel.writestr(entry, text)
    return path
