"""Builds the user manual: docs/*.md become a small static site under build/manual/latest.

    python3 scripts/build_manual_site.py [--docs docs] [--out build/manual]

Each page is titled by its one `# heading`; index.md comes first, the others follow by title. Links between pages are
written as on disk (`signing-in.md#refreshing`) and rewritten; a link to a page or heading that does not exist stops
the build, so the published manual has none. Needs the `docs` extra.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import markdown

ROOT = Path(__file__).resolve().parents[1]

_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_ANCHOR = re.compile(r'<h[1-6] id="([^"]+)"')
_LINK = re.compile(r'(?P<before><a\b[^>]*\bhref=")(?P<page>[\w.-]+\.md)?(?P<anchor>#[^"]*)?(?=")')

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Villa backend SDK</title>
<link rel="stylesheet" href="manual.css">
</head>
<body>
<nav aria-label="Manual">
<p>Villa backend SDK {version}</p>
<ul>
{contents}
</ul>
</nav>
<main>
{body}
</main>
</body>
</html>
"""

_STYLE = """:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
body { display: grid; gap: 2rem; grid-template-columns: minmax(10rem, 14rem) minmax(0, 44rem); margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
nav ul { list-style: none; padding: 0; }
nav a[aria-current] { font-weight: bold; }
pre { border: 1px solid; overflow-x: auto; padding: .75rem; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid; padding: .25rem .75rem; text-align: left; }
@media (max-width: 44rem) { body { grid-template-columns: 1fr; } }
"""


class ManualError(Exception):
    """The manual cannot be built as it is written."""


@dataclass(frozen=True)
class Page:
    """One page, rendered but with its links still as written."""

    source: str
    title: str
    body: str
    anchors: frozenset[str]

    @property
    def address(self) -> str:
        """The page's file name in the site."""
        return self.source.removesuffix(".md") + ".html"


def read_page(path: Path) -> Page:
    """Render one Markdown file."""
    body = markdown.markdown(path.read_text(encoding="utf-8"), extensions=["tables", "fenced_code", "toc"])
    titles = _TITLE.findall(body)
    if len(titles) != 1:
        raise ManualError(f"{path.name}: a page has one '# title', found {len(titles)}")
    return Page(path.name, re.sub(r"<[^>]+>", "", titles[0]), body, frozenset(_ANCHOR.findall(body)))


def read_manual(docs: Path) -> list[Page]:
    """All pages, in the order of the table of contents."""
    pages = [read_page(path) for path in sorted(docs.glob("*.md"))]
    if not any(page.source == "index.md" for page in pages):
        raise ManualError(f"{docs}: there is no index.md")
    return sorted(pages, key=lambda page: (page.source != "index.md", html.unescape(page.title).casefold()))


def find_broken_links(pages: Sequence[Page]) -> list[str]:
    """Every link to a page or heading of the manual that does not exist."""
    by_source = {page.source: page for page in pages}
    broken = []
    for page in pages:
        for link in _LINK.finditer(page.body):
            target = by_source.get(link["page"] or page.source)
            anchor = unquote((link["anchor"] or "").removeprefix("#"))
            if target is None:
                broken.append(f"{page.source}: there is no {link['page']}")
            elif anchor and anchor not in target.anchors:
                broken.append(f"{page.source}: {target.source} has no heading #{anchor}")
    return broken


def render_page(page: Page, pages: Sequence[Page], version: str) -> str:
    """The page as HTML, with the table of contents and its links turned to the site's."""
    entries = []
    for other in pages:
        current = ' aria-current="page"' if other is page else ""
        entries.append(f'<li><a href="{other.address}"{current}>{other.title}</a></li>')
    body = _LINK.sub(_site_link, page.body)
    return _PAGE.format(title=page.title, version=html.escape(version), contents="\n".join(entries), body=body)


def _site_link(link: re.Match[str]) -> str:
    page = (link["page"] or "").removesuffix(".md")
    return link["before"] + (f"{page}.html" if page else "") + (link["anchor"] or "")


def read_version(root: Path) -> str:
    """The SDK's version, without importing it."""
    found = _VERSION.search((root / "villa_backend_sdk" / "_version.py").read_text(encoding="utf-8"))
    if found is None:
        raise ManualError("villa_backend_sdk/_version.py states no __version__")
    return found[1]


def build(docs: Path, out: Path, version: str) -> list[Path]:
    """Write the site to ``out/latest``, in place of what was there, and return its files."""
    pages = read_manual(docs)
    broken = find_broken_links(pages)
    if broken:
        raise ManualError("\n".join(broken))
    site = out / "latest"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    texts = {page.address: render_page(page, pages, version) for page in pages} | {"manual.css": _STYLE}
    for name, text in texts.items():
        (site / name).write_text(text, encoding="utf-8")
    return sorted(site.iterdir())


def main(arguments: Sequence[str]) -> int:
    """Build and tell what was built."""
    parser = argparse.ArgumentParser(description="Build the user manual.")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "manual")
    options = parser.parse_args(arguments)
    try:
        files = build(options.docs, options.out, read_version(ROOT))
    except ManualError as error:
        print(f"the manual cannot be built:\n{error}", file=sys.stderr)
        return 1
    print(f"{len(files)} files in {options.out / 'latest'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
