"""Moves of a state machine, each of which is followed by a look at everything."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule


def move(**given: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule after which `check` is called; an invariant would be printed at each line."""

    def decorate(do: Callable[..., None]) -> Any:
        @wraps(do)
        def moved(self: Any, **chosen: Any) -> None:
            do(self, **chosen)
            self.check()

        untyped: Any = rule
        return untyped(**given)(moved)

    return decorate
