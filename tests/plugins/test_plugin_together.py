"""Many people switching different plugins of one ConfigMap at the same time, over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from rolloutctl.actions.plugin_switch import Pace, Switch, write
from rolloutctl.domain.cluster import Change, Kind
from rolloutctl.domain.decoders import decoder
from rolloutctl.errors import ClusterError, Conflict
from rolloutctl.sandbox import http
from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.store import Store
from support.forked import start
from support.shell import ROLLOUTCTL

PLUGINS = 200
BY_PROGRAM = 8
AMONG = 30
"""Programs and others together."""
NAMESPACE = "argo-rollouts"


class Http:
    """The two requests a switch needs, over HTTP on connections of its own."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(retries=False, timeout=60.0)

    def get(self, kind: Kind, namespace: str, name: str, as_type: type[Any]) -> Any:
        return decoder(as_type).decode(self._ask("GET", kind, namespace, name))

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        body = json.dumps(change.operations).encode()
        return self._ask("PATCH", change.kind, change.namespace, change.name, body)

    def _ask(
        self, method: str, kind: Kind, namespace: str, name: str, body: bytes | None = None
    ) -> bytes:
        path = f"/api/{kind.version}/namespaces/{namespace}/{kind.plural}/{name}"
        headers = {**self._headers, "Content-Type": "application/json-patch+json"}
        answer = self._pool.request(method, self._url + path, body=body, headers=headers)
        if answer.status in (409, 422):
            raise Conflict(answer.data.decode())
        if answer.status >= 300:
            raise ClusterError(f"{answer.status} {answer.data.decode()}")
        return bytes(answer.data)

    def close(self) -> None:
        self._pool.clear()


class Site:
    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self.client = client

    def fill(self, before: Callable[[int], str]) -> str:
        """A ConfigMap with all the plugins; `before` writes the lines of one's `disabled`."""
        text = "# all of them\n" + "".join(
            f"- name: team/p{number} # number {number}\n"
            f"  location: 'file:///plugins/p{number}'\n{before(number)}"
            for number in range(PLUGINS)
        )
        metadata = {"name": "argo-rollouts-config", "namespace": NAMESPACE}
        self.client.create(
            "configmaps", {"metadata": metadata, "data": {"stepPlugins": text}}, NAMESPACE
        )
        return text

    @property
    def config_map(self) -> dict[str, Any]:
        return self.client.get("configmaps", "argo-rollouts-config", NAMESPACE)

    @property
    def text(self) -> str:
        return str(self.config_map["data"]["stepPlugins"])


@pytest.fixture(autouse=True)
def long_turns() -> Iterator[None]:
    """Hundreds of threads of one interpreter would spend most of their time on taking turns."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.2)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def site() -> Iterator[Site]:
    api = Api(Store(), tokens={"secret": ADMIN})
    client = Client(api, "secret")
    for name in ("default", NAMESPACE):
        client.create("namespaces", {"metadata": {"name": name}})
    server = http.serve(api)
    server.start()
    yield Site(server.url, client)
    server.stop()


class Turns:
    """Who was refused goes on when nobody else does who was: attempts side by side in one
    interpreter slow each other down, and all but one of them are refused again. Whoever is still
    at the first attempt is in the way all the same.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def pace(self) -> Iterator[Pace]:
        """For one writer."""
        with contextlib.ExitStack() as mine:

            def sleep(_: float) -> None:
                mine.close()
                mine.enter_context(self._turn)

            yield Pace(sleep=sleep)


def switch_all(
    site: Site, numbers: range, disable: Callable[[int], bool], turns: Turns | None = None
) -> list[int]:
    """Everyone at once, each with connections of their own; the attempts each needed."""
    together = threading.Barrier(len(numbers))

    def one(number: int) -> int:
        cluster = Http(site.url, "secret")
        try:
            together.wait(60)
            wanted = Switch((f"team/p{number}",), disable(number), f"INC-{number}", "ann")
            with turns.pace() if turns else contextlib.nullcontext(Pace()) as pace:
                _, attempts = write(
                    cluster,  # type: ignore[arg-type]
                    NAMESPACE,
                    wanted,
                    clock=lambda: datetime.now(UTC),
                    pace=pace,
                )
            return attempts
        finally:
            cluster.close()

    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(one, numbers))


def test_two_hundred_at_once_and_every_edit_is_there(site: Site) -> None:
    def is_odd(number: int) -> bool:
        return number % 2 == 1

    before = site.fill(lambda n: "" if n % 2 else "  disabled: true  # off\n")
    attempts = switch_all(site, range(PLUGINS), is_odd, Turns())
    assert max(attempts) > 1, "nobody met anybody: this proves nothing"
    items = yaml.safe_load(site.text)
    wrong = [each["name"] for n, each in enumerate(items) if each["disabled"] is not is_odd(n)]
    assert wrong == []
    # And nothing else has changed: with the edits taken back it is the text of before.
    back = site.text.replace("disabled: false  # off", "disabled: true  # off")
    assert back.replace("  disabled: true\n", "") == before
    notes = [key for key in site.config_map["metadata"]["annotations"] if "disabled.team" in key]
    assert len(notes) == PLUGINS // 2


def test_the_program_among_others(site: Site, tmp_path: Path) -> None:
    site.fill(lambda number: "")
    config = tmp_path / "config"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": site.url}}],
                "users": [{"name": "test", "user": {"token": "secret"}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        )
    )
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(config),
        "PYTHONWARNINGS": "error",
    }
    started = [
        start(
            [ROLLOUTCTL, "plugins", "disable", f"team/p{number}", "--reason", "INC-1", "--yes"],
            env=env,
            cwd=tmp_path,
        )
        for number in range(BY_PROGRAM)
    ]
    try:
        # The others go on until the last of the programs has had its turn.
        for first in range(BY_PROGRAM, AMONG, 40):
            switch_all(site, range(first, min(first + 40, AMONG)), lambda number: True)
        for process in started:
            _, said = process.communicate(timeout=90)
            assert process.returncode == 0, said
    finally:
        for process in started:
            process.kill()
    assert site.text.count("\n  disabled: true\n") == AMONG


def test_a_refusal_that_is_no_race_ends(site: Site) -> None:
    site.fill(lambda number: "")

    class Refusing(Http):
        asked = 0

        def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
            self.asked += 1
            raise Conflict("a webhook says no")

    cluster = Refusing(site.url, "secret")
    with pytest.raises(Conflict, match="a webhook says no"):
        write(
            cluster,  # type: ignore[arg-type]
            NAMESPACE,
            Switch(("team/p1",), True, "x"),
            clock=lambda: datetime.now(UTC),
        )
    cluster.close()
    assert cluster.asked == 4
