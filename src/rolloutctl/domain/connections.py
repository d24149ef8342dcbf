"""How it stands with a cluster that is followed."""

from __future__ import annotations

import enum
from datetime import datetime

from msgspec import Struct


class Link(enum.StrEnum):
    """How it stands with a cluster."""

    READING = "reading"
    """Nothing is known yet, or not everything."""
    KEPT = "kept"
    """What is shown comes from a list kept on disk; what changed since is being asked for."""
    LIVE = "live"
    STALE = "stale"
    """The connection is away; it is tried again."""


class Connection(Struct, frozen=True):
    """A cluster's state; `since` by this machine's clock (of a kept list: when it was read), and
    `problem`, what is wrong if anything."""

    link: Link
    since: datetime
    problem: str = ""
