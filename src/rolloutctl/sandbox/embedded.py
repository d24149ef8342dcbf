"""The whole embedded cluster in one object: store, API, controllers, Jenkins, fresh objects.

The process (`serve`) puts servers around it; a test drives it by hand, with a clock of its own:

    cluster = EmbeddedCluster()
    cluster.load("paused")
    cluster.client.get("rollouts", "checkout", "shop")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from . import fresh
from .api import ADMIN, Api
from .api.messages import Request
from .client import Client
from .clock import Clock, FakeClock, SystemClock
from .controller import Controllers
from .controller.config import fetch_http
from .mandate import ControllerClient
from .plugins.jenkins import FakeJenkins
from .plugins.jenkins_gate import NAME as JENKINS_GATE
from .plugins.jenkins_gate import JenkinsGate
from .plugins.protocol import StepPlugin
from .plugins.registry import builtin
from .restoring import Restorer
from .scenarios.loader import Loader
from .store import Store

if TYPE_CHECKING:
    from .analysis.requests import Fetch

NO_ADDRESS = "http://sandbox.invalid"
_SET_UP = timedelta(seconds=10)


class EmbeddedCluster:
    """`api` and `client` (as administrator), `controllers`, `jenkins`, `loader`.

    `side_url`: where plugins and Jenkins are served; without `over_http` they are reached by
    plain calls instead. `web` answers the requests of metrics, which else are sent; on a
    FakeClock the control loops wait for the answer. `plugins`: a user's own, by name.
    `pod_ready_delay`: seconds of the clock. `first_version`: the resourceVersion before anything
    is there. `log` gets the controllers' lines.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        token: str = "sandbox",
        side_url: str = NO_ADDRESS,
        over_http: bool = False,
        plugins: Mapping[str, StepPlugin] | None = None,
        web: Fetch | None = None,
        pod_ready_delay: float = 0.0,
        first_version: int = 0,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.clock = clock or FakeClock(speed=speed)
        self._side_url = side_url
        self.failure = ""
        """Why the control loops ended, if they did."""
        self.store = Store(first_version=first_version)
        self.api = Api(self.store, tokens={token: ADMIN}, now=self.clock.now)
        self.client = Client(self.api, token)
        self.jenkins = FakeJenkins(self.clock)
        ask = None if over_http else self._ask_jenkins
        registry = builtin()
        registry.add(JENKINS_GATE, JenkinsGate(f"{side_url}/jenkins", ask))
        own = dict(plugins or {})
        for name, plugin in own.items():
            registry.add(name, plugin)
        self.plugin_names = tuple(registry.names())
        # What was set up before its controller started is older than the controller's pod: within
        # one second nobody could tell whether that pod has read the ConfigMap.
        earlier = Api(self.store, tokens={token: ADMIN}, now=lambda: self.clock.now() - _SET_UP)
        for resource, item in fresh.objects(side_url, list(own)):
            Client(earlier, token).create(resource, item, item["metadata"].get("namespace"))
        self.controllers = Controllers(
            ControllerClient(self.api, token),
            clock=self.clock,
            plugins=registry,
            pod_ready_delay=pod_ready_delay,
            log=log,
            fetch=fetch_http if over_http else self._fetch,
            ask=web,
            in_threads=not isinstance(self.clock, FakeClock),
        )
        self.client.on_change(self.controllers.wake)
        restorer = Restorer(self.store, self.clock.now)
        self.loader = Loader(self.client, restorer, self.clock, self._idle)

    def settle(self) -> None:
        """Let the controllers do all that is due now."""
        self.controllers.settle()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on a FakeClock, doing what falls due at its time."""
        clock = self.clock
        if not isinstance(clock, FakeClock):
            raise TypeError("only a FakeClock can be advanced")
        end = clock.monotonic() + seconds
        self.settle()
        while (due := self.controllers.next_due()) is not None and due < end:
            clock.advance(max(0.0, due - clock.monotonic()))
            self.settle()
        clock.advance(max(0.0, end - clock.monotonic()))
        self.settle()

    def load(self, scenario: str, namespace: str | None = None) -> list[str]:
        """Play a scenario to its end; the lines of what was done."""
        lines = [line for line in self.loader.scenario(scenario, namespace) if line]
        self.settle()
        return lines

    def apply(self, *documents: dict[str, Any]) -> list[str]:
        """Create or update objects."""
        lines = list(self.loader.documents(documents))
        self.settle()
        return lines

    def _idle(self) -> None:
        if not isinstance(self.clock, SystemClock):
            self.advance(0.5)
            return
        time.sleep(0.02)

    def _fetch(self, location: str) -> None:
        """A plugin's location: ours are there, nothing else is on an island."""
        if not location.startswith(f"{self._side_url}/plugins/"):
            raise ConnectionRefusedError("connection refused")

    def _ask_jenkins(self, method: str, url: str) -> tuple[int, bytes]:
        address = urlsplit(url)
        query = tuple(parse_qsl(address.query))
        answer = self.jenkins.handle(Request(method, address.path, query))
        return answer.status, answer.body
