"""Markdown that a job has written, as HTML that can do nothing: no scripts, no styles, no forms, no pictures from elsewhere.

Rendered by markdown-it (CommonMark with GitHub's tables and strikethrough; HTML is let through it), then everything is taken out that
is not on a list (nh3). A picture of another server would tell that server who looks: its description is left. Source: GitHub docs, "Adding a
job summary"; GitHub Flavored Markdown, "Disallowed Raw HTML".
"""

from functools import lru_cache
from html import escape
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from homeport.server.pages.emoji import show_emoji

MOST_CHARACTERS = 128 * 1024
"""What is longer is shown as it was written, so that nobody can keep the server busy with it"""
_TAG_NAMES = (
    "a abbr b blockquote br caption code dd del details dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp "
    "small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var"
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"alt", "height", "src", "title", "width"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
_PICTURES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))
_ALERTS = {
    "[!NOTE]": "📝 Note",
    "[!TIP]": "💡 Tip",
    "[!IMPORTANT]": "❗ Important",
    "[!WARNING]": "⚠️ Warning",
    "[!CAUTION]": "⛔ Caution",
}
_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


@lru_cache(maxsize=256)
def render_markdown(text: str) -> str:
    """Safe HTML."""
    if len(text) > MOST_CHARACTERS:
        rest = f"\n… and {len(text) - MOST_CHARACTERS:,} characters more"
        return f"<pre>{escape(text[:MOST_CHARACTERS] + rest)}</pre>"
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    _tick_boxes(tokens)
    _name_alerts(tokens)
    _show_pictures(tokens)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 2, 6)}"  # the page has a first and second level of its own
        if token.type in ("td_open", "th_open") and (style := str(token.attrs.pop("style", ""))):
            token.attrSet("align", style.removeprefix("text-align:"))
    rendered = parser.renderer.render(tokens, parser.options, {})
    return nh3.clean(
        rendered,
        tags=set(_TAG_NAMES.split()),
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"},
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="nofollow noopener noreferrer",
    )


def _tick_boxes(tokens: list[Token]) -> None:
    """`- [x] done`: an inline token after the opening of a list's item and of its paragraph."""
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.type == "paragraph_open" and before.hidden and token.children:
            first = token.children[0]
            box = _BOXES.get(first.content[:4])
            if box is not None:
                first.content = box + first.content[4:]


def _name_alerts(tokens: list[Token]) -> None:
    """`> [!NOTE]`: a quotation that begins with a word of its own (GitHub docs, "Basic writing and formatting syntax", alerts)."""
    for quote, paragraph, token in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (quote.type, paragraph.type, token.type) != ("blockquote_open", "paragraph_open", "inline"):
            continue
        children = token.children or []
        word = _ALERTS.get(children[0].content) if children else None
        if word is not None and (len(children) == 1 or children[1].type == "softbreak"):
            title = Token("text", "", 0, content=word)
            following = [Token("hardbreak", "br", 0), *children[2:]] if len(children) > 1 else []
            token.children = [Token("strong_open", "strong", 1), title, Token("strong_close", "strong", -1), *following]


def _show_pictures(tokens: list[Token]) -> None:
    """Not in code."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = show_emoji(child.content)


def _filter(tag: str, name: str, value: str) -> str | None:
    if name == "href" and value.strip().lower().startswith("data:"):
        return None
    if tag == "img" and name == "src" and not value.startswith(_PICTURES):
        return None
    return value
