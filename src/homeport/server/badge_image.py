"""Draws a badge: two words on two grounds, as an SVG that shows nothing but them."""

from html import escape
from typing import Literal

Tone = Literal["success", "failure", "neutral", "middling"]

_GROUNDS = {"success": "#1a7f37", "failure": "#b3232d", "neutral": "#5d6570", "middling": "#8a5a00"}
"""White text stands out on each by 4.5 to 1 at least (WCAG 2, "Contrast (Minimum)")."""
_LABEL_GROUND = "#30363d"
_HEIGHT = 20
_PADDING = 7
_LONGEST = 80
_WIDE = frozenset("mwMW@%ABCDEGHKNOPQRSUVXYZ_—…")
_NARROW = frozenset("iljtfrI.,:;'|!()[]{} ")


def draw_badge(label: str, message: str, tone: Tone) -> str:
    """The image. Both texts may come from anywhere: what is not a printable character is left out, and XML sees no mark-up in them."""
    label, message = _clean(label), _clean(message)
    left, right = _measure(label) + 2 * _PADDING, _measure(message) + 2 * _PADDING
    width = left + right
    title = escape(f"{label}: {message}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="r"><rect width="{width}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT}" fill="{_LABEL_GROUND}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_GROUNDS[tone]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f"{_text(label, left / 2, left)}{_text(message, left + right / 2, right)}</g></svg>\n"
    )


def _text(words: str, middle: float, width: int) -> str:
    length = width - 2 * _PADDING
    return f'<text x="{middle:g}" y="14" textLength="{length}">{escape(words, quote=True)}</text>'


def _clean(text: str) -> str:
    words = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _measure(text: str) -> int:
    """About as wide as browsers draw it; the text is then drawn to exactly this width."""
    return round(sum(9.0 if each in _WIDE else 4.2 if each in _NARROW else 6.8 for each in text)) or 1
