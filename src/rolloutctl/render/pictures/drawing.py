"""A small writer of SVG: elements with escaped attributes and texts, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from rolloutctl.render.text import safe

_NO_XML = {"\ufffe": "\ufffd", "\uffff": "\ufffd"}


def element(name: str, *inside: str, **attributes: object) -> str:
    """`<name …>inside</name>`; `inside` is markup, attributes are text.

    `_` at an attribute's end is dropped (`class_`), another one becomes a dash (`text_anchor`).
    """
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_shown(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    content = "".join(inside)
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def words(text: object) -> str:
    """Text as markup."""
    return escape(_harmless(text))


def label(x: float, y: float, text: str, **attributes: object) -> str:
    return element("text", words(text), x=x, y=y, **attributes)


def path(points: Iterable[tuple[float, float]], **attributes: object) -> str:
    """A line through the points."""
    steps = [f"{_shown(x)} {_shown(y)}" for x, y in points]
    return element("path", d="M" + " L".join(steps), **attributes)


def document(
    width: float, height: float, title: str, description: str, style: str, body: Iterable[str]
) -> str:
    """A whole picture, with what a screen reader says of it."""
    head = element("title", words(title), id="title") + element(
        "desc", words(description), id="desc"
    )
    lines = [head, f"<style>{style}</style>", *body]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_shown(width)} {_shown(height)}"'
        f' width="{_shown(width)}" height="{_shown(height)}" role="img"'
        ' aria-labelledby="title desc">\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _harmless(text: object) -> str:
    """Without what misleads, and of characters that XML can hold."""
    shown = safe(text, 0)
    for odd, instead in _NO_XML.items():
        shown = shown.replace(odd, instead)
    return shown


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return _harmless(value)
