"""A light look at the conditions of metrics: whether they can be an expression at all.

The whole language is the controller's to know; what is found here is wrong in any case: brackets
and quotes that do not close, values without an operator between them, an operator without a value.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`)"
    r"|(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<operator>\|\||&&|==|!=|<=|>=|\*\*|\?\?|\?\.|\.\.|[-+*/%^<>!?:,.#|;])"
    r"|(?P<bracket>[()\[\]{}])"
    r")"
)
_WORDS = frozenset({"and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith"})
_CLOSES = {")": "(", "]": "[", "}": "{"}
_PREFIXES = frozenset({"-", "+", "!", "not", "#", ".", ":", ".."})
"""Operators that may stand where a value begins."""


def fault(condition: str) -> str:
    """What is wrong with a condition, "" if nothing is seen to be.

    Placeholders are to be put in before, or be values of their own.
    """
    if not condition.strip():
        return ""
    opened: list[str] = []
    wants_value = True
    last = ""
    at = 0
    end = len(condition.rstrip())
    while at < end:
        found = _TOKEN.match(condition, at)
        if found is None:
            return _unreadable(condition[at:].lstrip())
        at = found.end()
        kind, token = found.lastgroup or "", found.group(found.lastgroup or 0)
        if kind == "bracket" and token in "([{":
            # After a value "(" is a call and "[" an index.
            if token == "{" and not wants_value:
                return f'"{token}" after a value'
            opened.append(token)
            wants_value = True
        elif kind == "bracket":
            if not opened or opened.pop() != _CLOSES[token]:
                return f'"{token}" closes nothing'
            if wants_value and last not in ("(", "[", "{", ",", ":"):
                return f'nothing after "{last}"'
            wants_value = False
        elif kind == "operator" or token in _WORDS:
            if wants_value and token not in _PREFIXES and not (last == "not" and token in _WORDS):
                return f'"{token}" without a value before it'
            wants_value = token != "#"
        else:
            if not wants_value:
                return f'no operator before "{token}"'
            wants_value = False
        last = token
    if opened:
        return f'"{opened[-1]}" is not closed'
    return f'nothing after "{last}"' if wants_value else ""


def _unreadable(rest: str) -> str:
    if rest[:1] in ('"', "'", "`"):
        return "a text is not closed"
    if rest[:1] == "=":
        return 'a single "=": it compares with "=="'
    if rest[:1] == "&":
        return 'a single "&": it is "&&" or "and"'
    return f'"{rest[:1]}" is of no expression'


def mentions_result(condition: str) -> bool:
    """Whether the condition depends on what was measured."""
    return re.search(r"\bresult\b", condition) is not None
