"""Every story again, as a person at the other end of a connection lives through it."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

from rolloutctl.sandbox.state import Options
from support.measured import RECORDED, RECORDED_SILENCE, serving, silence
from support.recorded import trace
from support.sandboxes import SandboxProcess, running
from traces.replay import FINAL, PLURALS
from traces.story import Obj, Story, differences, facts, is_where, recorded
from traces.test_replay import STORIES

SPEED = 5.0
LONGEST = 20.0
"""Seconds on the wall a state is waited for."""
LAST = 10.0
"""Seconds on the wall after which nothing more happens by itself; delays end in 30 / SPEED."""
REACTION = 0.2
"""Seconds until a person who sees something acts."""
CHANCES = 3
AT_ONCE = 16


def test_all_stories_over_http(tmp_path: Path) -> None:
    """Not those of an outage: what was done to the controller then is done in process."""
    told: dict[str, str] = {}
    with (
        serving() as web,
        silence() as nobody,
        running(tmp_path, Options(speed=SPEED)) as sandbox,
        ThreadPoolExecutor(AT_ONCE) as people,
    ):
        places = {RECORDED: web, RECORDED_SILENCE: nobody}
        names = [name for name in STORIES if not name.startswith("outage-")]
        names.sort(key=_lasts, reverse=True)
        play = functools.partial(_play, sandbox=sandbox, places=places)
        told.update(zip(names, people.map(play, names), strict=True))
    assert not any(told.values()), "\n".join(
        f"{name}: {trace(name)['description']}\n{found}" for name, found in told.items() if found
    )


def _lasts(name: str) -> float:
    """Seconds the recording goes on."""
    return float(trace(name)["watch"][-1]["t"])


def _play(name: str, *, sandbox: SandboxProcess, places: dict[str, str]) -> str:
    """How the story differs here, "" if it does not.

    On a busy machine two programs may interleave as they did not in the recording: a timer goes
    off while somebody acts. So a story may be told again; in process none has a second chance.
    """
    found = ""
    for _ in range(CHANCES):
        try:
            found = _Player(trace(name), sandbox, places).play()
        except AssertionError as failed:
            found = str(failed)
        if not found:
            break
    return found


class _Player:
    """Plays one story in a namespace of its own."""

    def __init__(self, story: Obj, sandbox: SandboxProcess, places: dict[str, str]) -> None:
        self._story = story
        self._client = sandbox.client
        self._places = places
        self._namespace = sandbox.namespace()
        self._seen: dict[str, list[tuple[str, Obj]]] = {"rollouts": [], "events": []}
        self._news = threading.Condition()
        self._acted = 0
        """The version of the rollout that was last sent."""

    def play(self) -> str:
        client, namespace = self._client, self._namespace
        client.create("namespaces", _namespace(namespace))
        listed = client.ask("GET", client.path("rollouts", namespace))
        for plural in self._seen:
            watching = (plural, listed["metadata"]["resourceVersion"])
            threading.Thread(target=self._watch, args=watching, daemon=True).start()
        manifests = iter(self._moved_here(self._story["manifests"]))
        before: tuple[Any, float] = (None, 0.0)
        for action in self._story["actions"]:
            if action["action"] == "create":
                manifest = next(manifests)
                client.create(PLURALS[manifest["kind"]], manifest, namespace)
                continue
            wanted = action["after"]
            if wanted == before[0]:
                time.sleep((action["t"] - before[1]) / SPEED)  # sent without another look
            else:
                self._wait(functools.partial(self._is_where, wanted), action["action"])
                time.sleep(REACTION + action.get("delay", 0) / SPEED)
            before = (wanted, action["t"])
            more = [action["subresource"]] if action.get("subresource") else []
            patched = client.patch(
                action["kind"], self._name(action), action["patch"], namespace, *more
            )
            if action["kind"] == "rollouts":
                self._acted = int(patched["metadata"]["resourceVersion"])
        real = recorded(self._story)
        end = facts(self._moved_here(self._story["final"]["rollouts"][0]))
        self._wait(lambda: facts(self._rollout()) == end, "the end")
        # The last writes (delays, copies of conditions) may take a while.
        until = time.monotonic() + LAST
        while (found := differences(real, self._lived(), exact=False)) and time.monotonic() < until:
            with self._news:
                if self._news.wait(0.3):  # not all that counts is watched
                    until = time.monotonic() + LAST
        return found

    def _moved_here(self, recorded_objects: Any) -> Any:
        """With the namespace and the addresses of this run."""
        text = json.dumps(recorded_objects).replace(self._story["namespace"], self._namespace)
        for there, here in self._places.items():
            text = text.replace(there, here)
        return json.loads(text)

    def _lived(self) -> Story:
        """What there is to tell by now, with the addresses of the recording."""
        namespace = self._namespace
        # First of all, since a running plugin is called again after some time.
        final = {plural: self._client.list(plural, namespace) for plural in FINAL}
        seen = {plural: list(events) for plural, events in self._seen.items()}
        text = json.dumps((final, seen))
        for there, here in self._places.items():
            text = text.replace(here, there)
        final, seen = json.loads(text)
        return Story(
            namespace,
            [found for kind, found in seen["rollouts"] if kind != "DELETED"],
            [found for kind, found in seen["events"] if kind == "ADDED"],
            final,
        )

    def _watch(self, plural: str, version: str) -> None:
        """Remember everything that happens to these objects, until the sandbox ends."""
        client = self._client
        query = f"?watch=true&resourceVersion={version}&timeoutSeconds=600"
        path = client.path(plural, self._namespace) + query
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            answer = client._pool.request(
                "GET",
                client.url + path,
                headers=client._headers,
                preload_content=False,
                timeout=600,
            )
            rest = b""
            for part in answer.stream(amt=None):
                *lines, rest = (rest + part).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    with self._news:
                        self._seen[plural].append((event["type"], event["object"]))
                        self._news.notify_all()

    def _rollout(self) -> Obj:
        """As it was last seen; nothing before what was last sent is seen."""
        seen = self._seen["rollouts"]
        if not seen or int(seen[-1][1]["metadata"]["resourceVersion"]) < self._acted:
            return {"metadata": {"generation": None}}
        return seen[-1][1]

    def _is_where(self, wanted: Obj) -> bool:
        return is_where(self._rollout(), wanted)

    def _wait(self, there: Callable[[], bool], what: str) -> None:
        with self._news:
            assert self._news.wait_for(there, LONGEST), f"never came to {what}"

    def _name(self, action: Obj) -> str:
        """Whose name holds a hash is another here than in the recording."""
        if action["kind"] != "analysisruns":
            return str(action["name"])
        return str(self._client.list("analysisruns", self._namespace)[0]["metadata"]["name"])


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
