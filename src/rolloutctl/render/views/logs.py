"""Lines of logs, each with the pod it is of."""

from __future__ import annotations

from rolloutctl.domain.pod_logs import LogLine, Origin
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe

COLOURS = 8


class Prefixes:
    """What stands in front of the lines: "canary x7k2p[app]". Each pod keeps its colour.

    `owners`: several rollouts are read, so each line names its own.
    """

    def __init__(self, *, owners: bool) -> None:
        self._owners = owners
        self._colours: dict[tuple[str, str], str] = {}
        self._known: dict[Origin, Span] = {}

    def of(self, origin: Origin) -> Span:
        found = self._known.get(origin)
        if found is None:
            pod = (origin.namespace, origin.pod)
            colour = self._colours.setdefault(pod, f"pod{len(self._colours) % COLOURS}")
            found = self._known[origin] = Span(self.text(origin), colour)
        return found

    def text(self, origin: Origin) -> str:
        """The words without colour."""
        parts = [origin.owner if self._owners else "", origin.role]
        parts.append(f"{origin.short or origin.pod}[{origin.container}]")
        return safe(" ".join(part for part in parts if part), 300)


def shown(item: LogLine, prefixes: Prefixes, *, timestamps: bool) -> Line:
    """A line for a terminal: what a pod printed may not move its cursor or colour it."""
    stamp = f"{safe(item.stamp)} " if timestamps and item.stamp else ""
    return line(prefixes.of(item.origin), " ", stamp, safe(item.text, 0))


def raw(item: LogLine, prefixes: Prefixes, *, timestamps: bool) -> str:
    """A line for a program: the pod's own characters behind the prefix."""
    stamp = f"{item.stamp} " if timestamps and item.stamp else ""
    return f"{prefixes.of(item.origin).text} {stamp}{item.text}\n"


def remark(what: str, origin: Origin, said: str, prefixes: Prefixes, surface: Surface) -> Line:
    """Something about a pod whose log is followed, for stderr."""
    words = {
        "new": "a new pod",
        "left": "no longer followed",
        "waits": "has no log yet",
        "broken": "broke off, going on",
    }
    style = "warn" if what in ("waits", "broken") else "dim"
    told = f": {safe(said, 300)}" if said else ""
    return line(Span(f"{surface.symbols.event} {prefixes.text(origin)} {words[what]}{told}", style))
