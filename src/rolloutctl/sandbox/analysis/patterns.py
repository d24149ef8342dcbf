"""Regular expressions of specifications, with an end to how long one may take."""

from __future__ import annotations

LONGEST_PATTERN = 1000
LONGEST_SEARCH = 0.25
"""Seconds. What the controller uses cannot take long; what Python has can."""


class PatternError(Exception):
    """The pattern cannot be used; the text says why."""


def search(pattern: str, text: str) -> bool:
    """Whether `pattern` is found anywhere in `text`. Raises PatternError."""
    import regex

    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"the pattern has more than {LONGEST_PATTERN} characters")
    try:
        return regex.search(pattern, text, timeout=LONGEST_SEARCH) is not None
    except TimeoutError:
        raise PatternError(f'the search for "{pattern}" takes too long') from None
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise PatternError(f'"{pattern}" is no regular expression: {error}') from error
