"""Keys that do nothing now are shown as such, and say why."""

from __future__ import annotations

import copy

from rolloutctl.domain.cluster import ACCESS_REVIEWS, Kind
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.screens.acting import ActingScreen
from support import dashboards
from support.dashboards import Played, play, says, text, until
from support.live_cluster import LiveCluster
from support.screens import screen


class Reviewed(LiveCluster):
    """A cluster in which nobody may patch the status of a rollout."""

    def create(self, kind: Kind, namespace: str, obj: object, *, dry_run: bool = False) -> bytes:
        assert kind == ACCESS_REVIEWS and isinstance(obj, dict)
        asked = obj["spec"]["resourceAttributes"]
        allowed = asked.get("subresource") != "status"
        return b'{"status": {"allowed": %s}}' % (b"true" if allowed else b"false")


def cluster(name: str, kind: type[LiveCluster] = Reviewed) -> LiveCluster:
    return kind(copy.deepcopy(dict(screen(name).objects)))


def off(app: Dashboard) -> set[str]:
    """The keys that are shown as off."""
    bindings = app.screen.active_bindings
    return {key for key, active in bindings.items() if not active.enabled}


def test_what_the_state_forbids_is_off_and_its_key_says_why() -> None:
    app = dashboards.of(cluster("healthy", LiveCluster))

    async def story(pilot: Played) -> None:
        await says(pilot, "Healthy")
        await pilot.press("enter")
        await says(pilot, "Steps")
        await until(pilot, lambda: {"p", "P", "a", "r"} <= off(app))
        await pilot.press("r")
        await says(pilot, "nothing to retry: it is not aborted")
        await pilot.press("a")
        await says(pilot, "nothing to abort")

    play(app, story)


def test_what_the_caller_has_no_right_to_is_off_and_says_which_is_missing() -> None:
    app = dashboards.of(cluster("paused canary"))

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("enter")
        await until(pilot, lambda: "p" in off(app) and "z" not in off(app))
        await pilot.press("p")
        await says(pilot, "not allowed to patch rollouts/status in namespace shop")

    play(app, story)


def test_read_only_turns_everything_off() -> None:
    app = dashboards.of(cluster("paused canary"), read_only=lambda label: "--read-only")

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        assert isinstance(app.screen, ActingScreen)
        app.screen.refresh_bindings()
        await until(pilot, lambda: {"p", "P", "a", "r", "z", "Z", "R", "u"} <= off(app))
        await pilot.press("P")
        await says(pilot, "it is read-only (--read-only)")
        assert "Promote in full?" not in text(app)

    play(app, story)
