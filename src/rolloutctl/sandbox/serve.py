"""The sandbox's process: servers, controllers and logs, from start to a signal.

`python -m rolloutctl.sandbox.serve INSTANCE` is what `process.up` starts. It reads one JSON
request from stdin, and writes one line to stdout: `{"ready": true}` when the record and the
kubeconfig are written and the API answers, or `{"error": ...}`.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import logging.handlers
import os
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rolloutctl.errors import Failed, RolloutctlError, UsageError

from . import http, kubeconfig, tls
from .api.messages import Request, Response, Stream
from .clock import SystemClock
from .embedded import EmbeddedCluster
from .limits import Limited
from .plugins import loader
from .plugins.protocol import StepPlugin
from .report import controller_state, report
from .scenarios.requests import load_request
from .side import Side, describe
from .state import Options, Place, Record

LOG_BYTES = 1_000_000
"""A log is renamed at this size; one older part is kept."""

_HOST = "127.0.0.1"
_DEAF = 0.5
"""Seconds the process waits at a time."""
CONTROLLER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Logs:
    main: logging.Logger
    controller: logging.Logger

    @staticmethod
    def open(place: Place, echo: bool) -> Logs:
        """Loggers of this sandbox alone, outside the process-wide tree. `echo`: on stderr too."""
        return Logs(
            _logger("sandbox", place.log, echo), _logger("controller", place.controller_log, echo)
        )

    def close(self) -> None:
        for logger in (self.main, self.controller):
            for handler in logger.handlers:
                handler.close()


def run(
    place: Place,
    options: Options,
    instance: str,
    *,
    ready: Callable[[Record], None],
    stop: threading.Event,
    detached: bool = True,
) -> None:
    """Serve until `stop` is set; `ready` is called once, when everything answers.

    `detached`: there is no terminal, so what anything prints goes to the log; otherwise the log
    is shown on stderr, too. Record and kubeconfig are removed at the end. Raises UsageError for a
    plugin that does not load or a port that cannot be had, before anything is served.
    """
    place.make()
    logs = Logs.open(place, echo=not detached)
    with contextlib.ExitStack() as stack:
        stack.callback(logs.close)
        stack.callback(place.clear, instance)
        if detached:
            printed = _Printed(logs.main)
            stack.enter_context(contextlib.redirect_stdout(printed))
            stack.enter_context(contextlib.redirect_stderr(printed))
        plugins = load_plugins(options.plugins)
        with _servers(place, options, instance, plugins, logs) as record:
            logs.main.info("serving %s (pid %d, speed %g)", record.url, record.pid, options.speed)
            ready(record)
            # In turns: a signal that comes just before a wait is handled only after it.
            while not stop.wait(_DEAF):
                pass
            logs.main.info("ending")


@contextlib.contextmanager
def _servers(
    place: Place,
    options: Options,
    instance: str,
    plugins: dict[str, StepPlugin],
    logs: Logs,
) -> Iterator[Record]:
    token = secrets.token_urlsafe(32)
    started = datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        later = _Later()
        side_server = http.serve(later)
        side_server.start()
        stack.callback(side_server.stop)
        cluster = EmbeddedCluster(
            clock=SystemClock(options.speed),
            token=token,
            side_url=side_server.url,
            plugins=plugins,
            over_http=True,
            pod_ready_delay=options.pod_ready_delay,
            first_version=_first_version(),
            log=lambda line: logs.controller.info("%s", line),
        )
        try:
            cert, key = tls.certificate(_HOST)
            handler: http.Handler = cluster.api
            if options.max_requests_per_second:
                handler = Limited(handler, options.max_requests_per_second)
            server = http.serve(handler, _HOST, options.port, tls.server_context(cert, key))
        except OSError as error:
            raise UsageError(
                f"port {options.port} cannot be used: {error.strerror}",
                hint="leave out --port to take a free one",
            ) from error
        record = Record(
            name=place.name,
            instance=instance,
            pid=os.getpid(),
            url=server.url,
            side_url=side_server.url,
            token=token,
            started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            options=options,
        )
        later.side = Side(
            token=token,
            plugins=frozenset(cluster.plugin_names),
            jenkins=cluster.jenkins,
            status=lambda: report(cluster, record, place),
            load=lambda wanted: load_request(cluster.loader, wanted),
        )
        server.start()
        stack.callback(server.stop)
        stopping = threading.Event()
        thread = threading.Thread(
            target=_control, args=(cluster, stopping, logs), name="controllers", daemon=True
        )
        thread.start()
        stack.callback(_finish, thread, cluster, stopping)
        _await_controller(cluster, logs)
        place.write(
            record,
            kubeconfig.text(name=place.name, url=record.url, token=token, authority=cert),
        )
        yield record


def _first_version() -> int:
    """Above every resourceVersion of an earlier sandbox: its clients are told to list again.

    From 0 on, a watch that survived a restart would wait for its old version to come round.
    """
    return time.time_ns() // 1_000_000


class _Later:
    """The handler of a server whose address must be known before it can be built."""

    side: Side | None = None

    def handle(self, request: Request) -> Response | Stream:
        if self.side is None:
            return Response(503, b'{"message": "starting"}\n')
        return self.side.handle(request)

    def close(self) -> None:
        """It has no watches to end."""


def _control(cluster: EmbeddedCluster, stopping: threading.Event, logs: Logs) -> None:
    try:
        cluster.controllers.run_forever(stopping)
    except BaseException:
        cluster.failure = traceback.format_exc(limit=-1).strip().splitlines()[-1]
        logs.main.exception("the control loops have ended")


def _await_controller(cluster: EmbeddedCluster, logs: Logs) -> None:
    """Until the Argo controller's pod runs: a sandbox without it would not do anything yet."""
    end = time.monotonic() + CONTROLLER_SECONDS
    while controller_state(cluster)["state"] in ("absent", "starting"):
        if time.monotonic() > end:
            logs.main.warning("the controller does not run after %g s", CONTROLLER_SECONDS)
            return
        time.sleep(0.02)


def _finish(thread: threading.Thread, cluster: EmbeddedCluster, stopping: threading.Event) -> None:
    stopping.set()
    cluster.controllers.wake()
    # A plugin that never returns must not hold up the end: the thread is a daemon.
    thread.join(2)


def load_plugins(specs: tuple[str, ...]) -> dict[str, StepPlugin]:
    """The plugins of `--plugin`, by name. Raises UsageError, also for a name given twice."""
    found: dict[str, StepPlugin] = {}
    for text in specs:
        name, plugin = loader.load(loader.Spec.parse(text))
        if name in found:
            raise UsageError(f"two plugins are called {name}", hint="--plugin NAME=PATH.py:Class")
        found[name] = plugin
    return found


def stop_on_signals(stop: threading.Event) -> Callable[[], None]:
    """Set `stop` on Ctrl-C and its like; what to call to have the old handlers back."""
    kept = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            kept[number] = signal.signal(number, lambda *_: stop.set())

    def restore() -> None:
        for number, old in kept.items():
            signal.signal(number, old)

    return restore


def _logger(name: str, path: Path, echo: bool) -> logging.Logger:
    logger = logging.Logger(name)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    ]
    if echo:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    return logger


class _Printed(io.TextIOBase):
    """What plugins and the interpreter print: into the bounded log, line by line."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._rest = ""
        self._busy = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        # A log that cannot be written complains on stderr, which is this again.
        if getattr(self._busy, "writing", False):
            return len(text)
        self._busy.writing = True
        try:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._logger.info("printed: %s", line)
        finally:
            self._busy.writing = False
        return len(text)


def main() -> int:
    os.umask(0o077)
    # The pipe to `up` is fd 1; nothing else may ever write there.
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        request = json.load(sys.stdin)
        place = Place(request["name"], Path(request["folder"]))
        raw = request["options"]
        options = Options(**{**raw, "plugins": tuple(raw["plugins"])})
        os.chdir(place.folder)
        stop = threading.Event()
        stop_on_signals(stop)

        def ready(record: Record) -> None:
            answer.write('{"ready": true}\n')
            answer.close()

        try:
            run(place, options, sys.argv[1], ready=ready, stop=stop)
        except RolloutctlError as error:
            if answer.closed:
                raise
            answer.write(json.dumps({"error": describe(error)}) + "\n")
            return 1
    return 0


def foreground(place: Place, options: Options, ready: Callable[[Record], None]) -> None:
    """Serve in this process until Ctrl-C. Raises Failed when a sandbox runs already."""
    from . import process

    stop = threading.Event()
    with contextlib.ExitStack() as lock:
        lock.enter_context(place.locked())
        running = process.find(place)
        if running is not None:
            raise Failed(
                f"a sandbox runs already as process {running.pid}",
                hint="rolloutctl sandbox down ends it",
            )
        process.clear_stale(place)

        def started(record: Record) -> None:
            lock.close()
            ready(record)

        restore = stop_on_signals(stop)
        try:
            run(place, options, secrets.token_hex(8), ready=started, stop=stop, detached=False)
        finally:
            restore()


if __name__ == "__main__":
    sys.exit(main())
