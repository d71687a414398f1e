"""The table at the head of each native action says of every input how it is honoured, and says it truly."""

import re
from importlib import import_module

import pytest

from homeport.runner.actions.native.definition import NativeDefinition
from homeport.runner.actions.native.registry import NATIVE


def read_rows(text: str) -> dict[str, str]:
    """The table of a docstring: what stands beside each input."""
    rows: dict[str, str] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"\| (.+?) \| (.+) \|", line)
        if match and match[1] != "input":
            rows.update(dict.fromkeys((name.strip() for name in match[1].split(",")), match[2]))
    return rows


@pytest.mark.parametrize("name", NATIVE)
def test_the_table_names_every_input_and_no_other(name: str) -> None:
    module = import_module(NATIVE[name].module)
    definition: NativeDefinition = module.DEFINITION
    rows = read_rows(module.__doc__ or "")
    assert definition.name == name
    assert rows.keys() == {row.name for row in definition.inputs}
    for row in definition.inputs:
        assert ("refused" in rows[row.name]) >= (row.support == "refused"), row.name
        assert ("accepted" in rows[row.name]) >= (row.support == "accepted"), row.name


@pytest.mark.parametrize("name", NATIVE)
def test_outputs_and_versions_are_said(name: str) -> None:
    native = NATIVE[name]
    module = import_module(native.module)
    text = module.__doc__ or ""
    assert f"{name}, v{native.oldest} to v{native.newest}" in text
    assert all(f"`{output}`" in text for output in module.DEFINITION.outputs)


@pytest.mark.parametrize("name", NATIVE)
def test_a_post_stage_is_there_where_it_is_announced(name: str) -> None:
    module = import_module(NATIVE[name].module)
    assert callable(module.main)
    assert hasattr(module, "post") is (module.DEFINITION.post_if is not None)
