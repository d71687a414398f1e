"""The manual is built from docs/*.md, and a link into nothing stops the build."""

from __future__ import annotations

from pathlib import Path

import pytest

import villa_backend_sdk
from tests.support.scripts import ROOT, load_script

pytestmark = pytest.mark.unit

manual = load_script("build_manual_site")


def write(docs: Path, **pages: str) -> Path:
    docs.mkdir()
    for name, text in pages.items():
        (docs / f"{name}.md").write_text(text, encoding="utf-8")
    return docs


def test_the_projects_own_manual_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert manual.main(["--out", str(tmp_path)]) == 0

    built = {path.name for path in (tmp_path / "latest").iterdir()}
    assert built == {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")} | {"manual.css"}
    assert villa_backend_sdk.__version__ in (tmp_path / "latest" / "index.html").read_text(encoding="utf-8")
    assert f"{len(built)} files in" in capsys.readouterr().out


def test_links_between_pages_are_rewritten(tmp_path: Path) -> None:
    docs = write(
        tmp_path / "docs",
        index="# Start\n\n[errors](errors.md#retries), [here](#start), [away](https://villa.example/x.md)\n",
        errors="# Errors\n\n## Retries\n\n[back](index.md)\n",
    )

    manual.build(docs, tmp_path / "out", "1.0")

    start = (tmp_path / "out" / "latest" / "index.html").read_text(encoding="utf-8")
    assert '<a href="errors.html#retries">errors</a>' in start
    assert '<a href="#start">here</a>' in start
    assert '<a href="https://villa.example/x.md">away</a>' in start


def test_every_page_lists_the_whole_manual_with_the_start_first(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", zebra="# About zebras", index="# Start", apple="# Banana & co")

    pages = manual.read_manual(docs)
    text = manual.render_page(pages[1], pages, "1.0")

    assert [page.address for page in pages] == ["index.html", "zebra.html", "apple.html"]
    assert '<a href="zebra.html" aria-current="page">About zebras</a>' in text
    assert '<a href="apple.html">Banana &amp; co</a>' in text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# Start\n\n[x](missing.md)\n", "index.md: there is no missing.md"),
        ("# Start\n\n[x](other.md#nothing)\n", "index.md: other.md has no heading #nothing"),
        ("# Start\n\n[x](#nothing)\n", "index.md: index.md has no heading #nothing"),
        ("Start\n", "index.md: a page has one '# title', found 0"),
        ("# One\n\n# Two\n", "index.md: a page has one '# title', found 2"),
    ],
)
def test_a_manual_that_would_disappoint_its_readers_is_not_built(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = write(tmp_path / "docs", index=text, other="# Other")

    assert manual.main(["--docs", str(docs), "--out", str(tmp_path / "out")]) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_manual_needs_a_start_page(tmp_path: Path) -> None:
    with pytest.raises(manual.ManualError, match=r"there is no index\.md"):
        manual.read_manual(write(tmp_path / "docs", other="# Other"))


def test_a_page_that_was_removed_does_not_stay(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", index="# Start", old="# Old")
    manual.build(docs, tmp_path, "1.0")
    (docs / "old.md").unlink()

    assert [path.name for path in manual.build(docs, tmp_path, "1.1")] == ["index.html", "manual.css"]


def test_the_version_is_read_without_importing(tmp_path: Path) -> None:
    assert manual.read_version(ROOT) == villa_backend_sdk.__version__

    (tmp_path / "villa_backend_sdk").mkdir()
    (tmp_path / "villa_backend_sdk" / "_version.py").write_text("")
    with pytest.raises(manual.ManualError, match="no __version__"):
        manual.read_version(tmp_path)
