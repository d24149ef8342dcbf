"""A Textual application of a few lines, for tests of what serves one: `python -m support.tiny_app`.

It says how many keys it was given. The first argument is a file: it says there who it is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static


class Tiny(App[None]):
    """Counts keys; q leaves."""

    keys = 0

    def compose(self) -> ComposeResult:
        yield Static("Hello from the tiny app", id="said")

    def on_key(self, event: Key) -> None:
        if event.key == "q":
            self.exit()
        self.keys += 1
        self.query_one(Static).update(f"Key {self.keys}: {event.key}")


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a") as told:
        told.write(f"{os.getpid()}\n")
    Tiny().run()
