"""The YAML library is taken apart where it lets itself be, and loaded whole where it does not."""

import subprocess
import sys

import pytest

READ = """
import sys
{before}
from homeport.language.yaml_reader import read_yaml
document, diagnostics = read_yaml("a: [1, 2]", "a.yml")
assert document is not None and not diagnostics
document, (diagnostic,) = read_yaml("a: [1", "a.yml")
assert document is None and "not YAML" in diagnostic.message
document, (diagnostic,) = read_yaml("a: \\0", "a.yml")
assert document is None and "NUL" in diagnostic.message
{after}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "assert 'yaml.constructor' not in sys.modules"),
        ("", "import yaml; assert yaml.safe_load('a: [1]') == {'a': [1]}"),
        ("import yaml", "assert sys.modules['yaml'] is yaml"),
        ("sys.modules['yaml._yaml'] = None", "assert 'yaml.constructor' in sys.modules"),
    ],
    ids=["in part", "in part and whole afterwards", "whole before", "without its part in C"],
)
def test_files_are_read_however_the_library_is_loaded(before: str, after: str) -> None:
    subprocess.run([sys.executable, "-c", READ.format(before=before, after=after)], check=True)
