"""Where traffic goes besides the weights: blue-green's Services, and routes that steps added."""

from __future__ import annotations

from rolloutctl.domain.facts import BlueGreenFacts, PingPongFacts, RouteFacts, ServiceFacts, Stage
from rolloutctl.domain.tree import RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap

_MATCHES = {"exact": "is", "prefix": "starts with", "regex": "matches"}
_INDENT = 10


def lines(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """Services of blue-green, or of ping and pong, and routes that stand before the weights."""
    result: list[Line] = []
    if picture.blue_green is not None:
        result += _services(picture.blue_green, picture, surface)
    if picture.ping_pong is not None:
        result += _ping_pong(picture.ping_pong, surface)
    for number, route in enumerate(picture.routes):
        head = Span(f"{'Routes' if not number else '':<{_INDENT}}", "strong")
        result += wrap((head, *_route(route)), surface.room, indent=_INDENT)
    return result


def countdown(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """When blue-green makes the switch by itself; nothing where it does not count down."""
    found, ends = picture.blue_green, picture.status.ends
    if found is None or found.stage is not Stage.PAUSED or ends is None:
        return []
    left = ends - surface.now
    if left.total_seconds() <= 0:
        return [line("its countdown is over, the controller promotes it shortly")]
    text = line(
        "promotes itself in ",
        Span(words.elapsed(left), "accent"),
        Span(f", at {words.clock(ends, surface.now)}", "dim"),
    )
    return wrap(text, surface.room, indent=2)


def _services(found: BlueGreenFacts, picture: RolloutPicture, surface: Surface) -> list[Line]:
    parts = [_service(found.active, "active", picture, astray=found.astray)]
    if found.preview is not None:
        parts.append(_service(found.preview, "preview", picture))
    head = Span(f"{'Services':<{_INDENT}}", "strong")
    return wrap((head, *join(parts, "   ")), surface.room, indent=_INDENT)


def _ping_pong(found: PingPongFacts, surface: Surface) -> list[Line]:
    """ "stable is ping (checkout-ping)   canary is pong (checkout-pong)"."""
    other = "pong" if found.stable == "ping" else "ping"
    parts = []
    for role, which, service in (
        ("stable", found.stable, found.stable_service),
        ("canary", other, found.canary_service),
    ):
        parts.append(line(f"{role} is {which}", f" ({safe(service)})" if service else ""))
    head = Span(f"{'Services':<{_INDENT}}", "strong")
    return wrap((head, *join(parts, "   ")), surface.room, indent=_INDENT)


def _service(
    service: ServiceFacts, role: str, picture: RolloutPicture, *, astray: bool = False
) -> Line:
    """ "active (checkout) selects revision 1"."""
    name = safe(service.name)
    named = role if name == role or not name else f"{role} ({name})"
    if not service.hash:
        return line(f"{named} ", Span("selects nothing yet", "dim"))
    known = f"revision {service.revision}" if service.revision else f"hash {safe(service.hash)}"
    if astray:
        return line(f"{named} ", Span(f"still selects {known}, which was aborted", "bad"))
    return line(f"{named} selects {known}")


def _route(route: RouteFacts) -> Line:
    """ "beta   X-Beta is yes → all to the canary"."""
    name = Span(safe(route.name), "strong")
    if route.kind == "header":
        matches = [_header(item) for item in route.match if isinstance(item, dict)]
        where = " or ".join(match for match in matches if match)
        return line(name, f"  all requests whose header {where} go to the canary")
    share = 100 if route.percentage is None else route.percentage
    return line(name, f"  copies {share} % of {_mirrored(route)} to the canary")


def _header(match: dict[str, object]) -> str:
    value = match.get("headerValue")
    shown = ""
    for kind, word in _MATCHES.items():
        if isinstance(value, dict) and value.get(kind):
            shown = f" {word} {safe(str(value[kind]), 100)}"
    return f"{safe(str(match.get('headerName', '')), 100)}{shown}"


def _mirrored(route: RouteFacts) -> str:
    """Which requests a mirror copies: method and path, of each of its matches."""
    found = []
    for item in route.match:
        parts = []
        for key in ("method", "path"):
            value = item.get(key)
            if isinstance(value, dict) and value:
                kind, text = next(iter(value.items()))
                parts.append(f"{key} {_MATCHES.get(kind, '')} {safe(str(text), 100)}")
        if item.get("headers"):
            parts.append("certain headers")
        if parts:
            found.append(", ".join(parts))
    return f"requests ({' or '.join(found)})" if found else "all requests"
