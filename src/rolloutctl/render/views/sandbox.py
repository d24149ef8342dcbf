"""What `rolloutctl sandbox` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rolloutctl.render.text import Line, Span, line, pad, safe


def status(facts: Mapping[str, Any]) -> list[Line]:
    """A running sandbox, from the facts of its process."""
    controller, jenkins = facts["controller"], facts["jenkins"]
    builds = ", ".join(f"{safe(name)} {count}" for name, count in jenkins["builds"].items())
    objects = ", ".join(f"{safe(name)} {count}" for name, count in facts["objects"].items())
    speed = facts["speed"]
    fast = "as fast as time" if speed == 1 else f"{speed:g} times as fast as time"
    good = controller["state"] == "running"
    rows: list[tuple[str, Line]] = [
        ("sandbox", line(Span("running", "good"), f", process {facts['pid']}, {_age(facts)}")),
        ("API server", line(safe(facts["url"], 0))),
        ("kubeconfig", line(safe(facts["kubeconfig"], 0))),
        ("clock", line(fast)),
        (
            "controller",
            line(
                Span(safe(controller["state"]), "good" if good else "bad"),
                f": {safe(controller['message'], 0)}" if controller["message"] else "",
            ),
        ),
        (
            "Jenkins",
            line(
                Span(safe(jenkins["mode"]), "good" if jenkins["mode"] == "up" else "warn"),
                f"  {safe(jenkins['url'], 0)}",
                f"  builds: {builds}" if builds else "",
            ),
        ),
        ("plugins", line(", ".join(safe(name) for name in facts["plugins"]))),
        ("objects", line(objects)),
    ]
    return [(Span(pad(name, 12), "dim"), *content) for name, content in rows]


def scenarios(found: Sequence[tuple[str, str]]) -> list[Line]:
    """Name and description, one scenario a line."""
    widest = max(len(name) for name, _ in found)
    return [line(Span(pad(name, widest), "strong"), f"  {text}") for name, text in found]


def _age(facts: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(int(facts["uptimeSeconds"]), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"up {hours}h{minutes}m"
    return f"up {minutes}m{seconds}s" if minutes else f"up {seconds}s"
