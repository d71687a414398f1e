"""Markdown of jobs: what it may show, and what it may never do on a page of the server."""

from html.parser import HTMLParser

import pytest

from homeport.server.pages.markdown import MOST_CHARACTERS, render_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    '<img src=x onerror="alert(1)">',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    '<a href="javascript&colon;alert(1)">x</a>',
    '<a href=" data:text/html,x">x</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<form action="/settings/tokens" method="post"><button name="name" value="x">x</button></form>',
    '<input name="form_token"><textarea></textarea><select></select>',
    "<style>main { display: none }</style>",
    '<p style="position:fixed;inset:0" class="bar" id="main">x</p>',
    '<base href="https://evil.example/"><meta http-equiv=refresh content=0>',
    '<object data="x"></object><embed src="x"><link rel=stylesheet href=x>',
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "<details ontoggle=alert(1) open><summary>x</summary></details>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<a name=form_token data-stream='/x' data-log='/x'>x</a>",
]
FORBIDDEN = {
    "script",
    "svg",
    "math",
    "iframe",
    "form",
    "input",
    "button",
    "style",
    "base",
    "meta",
    "object",
    "embed",
    "link",
    "noscript",
}


class Seen(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update((name, value or "") for name, value in attrs)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_can_do_nothing(text: str) -> None:
    seen = Seen()
    seen.feed(render_markdown(text))
    assert not seen.tags & FORBIDDEN
    assert {name for name, _ in seen.attributes} <= {"href", "src", "alt", "title", "rel", "open"}
    for name, value in seen.attributes:
        if name == "href":
            assert value.startswith(("http://", "https://", "mailto:", "/", "#"))
        assert name != "src"


def test_what_summaries_are_made_of_is_shown() -> None:
    text = "# Title\n\n| a | b |\n|---|--:|\n| 1 | ~~2~~ |\n\n- [x] done\n- [ ] open\n\n<details><summary>More</summary>\n\n`code`\n\n</details>\n"
    shown = render_markdown(text)
    for piece in (
        "<h3>Title</h3>",
        '<td align="right">',
        "<s>2</s>",
        "☑ done",
        "☐ open",
        "<summary>More</summary>",
        "<code>",
    ):
        assert piece in shown


def test_a_link_to_elsewhere_tells_nobody_where_somebody_came_from() -> None:
    shown = render_markdown("[docs](https://example.org)")
    assert shown.strip() == '<p><a href="https://example.org" rel="nofollow noopener noreferrer">docs</a></p>'


def test_a_picture_of_ones_own_is_shown() -> None:
    assert 'src="data:image/png;base64,AAAA"' in render_markdown("![x](data:image/png;base64,AAAA)")


def test_what_is_too_long_is_shown_as_it_was_written() -> None:
    shown = render_markdown("<b>" * MOST_CHARACTERS)
    assert shown.startswith("<pre>&lt;b&gt;")
    assert "characters more</pre>" in shown


def test_names_of_pictures_are_pictures_but_not_in_code() -> None:
    shown = render_markdown("| :white_check_mark: | :nobody: |\n|--|--|\n| `:x:` | 12:30:45 |")
    assert "✅" in shown
    assert ":nobody:" in shown
    assert "<code>:x:</code>" in shown
    assert "12:30:45" in shown


def test_a_quotation_that_is_an_alert_has_its_word() -> None:
    shown = render_markdown("> [!WARNING]\n> Mind the **gap**.\n\n> [!NOTE] on the same line is none")
    assert "<strong>⚠️ Warning</strong><br>\nMind the <strong>gap</strong>." in shown
    assert "[!NOTE] on the same line is none" in shown
    assert "<strong>📝 Note</strong></p>" in render_markdown("> [!NOTE]\n>\n> Apart.")
