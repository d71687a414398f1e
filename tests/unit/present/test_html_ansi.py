"""Colours of terminals in HTML: the same from Python as from the module that browsers run."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homeport.present.html_ansi import render_ansi, render_palette, split_ansi, split_marker
from tests.support.parts import require_program

ROOT = Path(__file__).resolve().parents[3]
CASES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "cases" / "present" / "ansi.json").read_text("utf-8"))
MODULE = ROOT / "src" / "homeport" / "server" / "static" / "ansi.js"


@pytest.mark.parametrize("case", CASES, ids=[repr(case["text"])[:40] for case in CASES])
def test_a_line_has_these_stretches(case: dict[str, Any]) -> None:
    assert [[style.classes(), text] for style, text in split_ansi(case["text"])] == case["spans"]


def test_the_browsers_module_says_the_same(tmp_path: Path) -> None:
    node = require_program("node")
    (tmp_path / "ansi.mjs").write_bytes(MODULE.read_bytes())
    script = tmp_path / "main.mjs"
    script.write_text(
        "import { splitAnsi } from './ansi.mjs'\n"
        "let text = ''; for await (const part of process.stdin) text += part\n"
        "console.log(JSON.stringify(JSON.parse(text).map(line => splitAnsi(line))))\n"
    )
    asked = json.dumps([case["text"] for case in CASES])
    said = subprocess.run([node, str(script)], input=asked, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == [case["spans"] for case in CASES]


def test_nothing_of_a_log_is_markup() -> None:
    hostile = "\x1b[31m<img src=x onerror=alert(1)>\x1b[0m</span><script>\"'&"
    shown = render_ansi(hostile)
    assert "<img" not in shown
    assert "<script" not in shown
    assert shown.startswith('<span class="f1">&lt;img')
    assert shown.endswith("&quot;&#x27;&amp;")


def test_a_marker_says_what_kind_of_line_it_is() -> None:
    assert split_marker("##[error]it failed") == ("error", "it failed")
    assert split_marker("##[group]Run make") == ("group", "Run make")
    assert split_marker("##[unknown]x") == ("", "##[unknown]x")
    assert split_marker("plain") == ("", "plain")


def test_the_palette_has_every_colour_that_classes_name() -> None:
    rules = render_palette()
    for number in range(256):
        assert f".f{number}{{color:#" in rules
        assert f".g{number}{{background:#" in rules
