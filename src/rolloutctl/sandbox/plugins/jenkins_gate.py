"""`demo/jenkins-gate`: a step that runs a Jenkins job and passes when the job succeeds.

Step `config`: `job` (required), `url` of the Jenkins (default: the sandbox's own), `duration`
the fake job shall run for ("90s", "5m"). Its status is `{"job": NAME, "id": ID}`: what a person
needs to find the job when the controller no longer looks after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from .protocol import Context, Result

NAME = "demo/jenkins-gate"

POLL_SECONDS = 12.0
"""Above the 10 s the controller takes as the least it keeps to.

Source: argo-rollouts, rollout/steps/plugin/plugin.go."""

Ask = Callable[[str, str], tuple[int, bytes]]
"""(method, URL) to (HTTP status, body); raises OSError when nobody answers."""


class JenkinsGate:
    """A StepPlugin. Every failure to ask Jenkins is an exception: phase Error, retried."""

    def __init__(self, url: str, ask: Ask | None = None) -> None:
        self._url = url
        self._ask = ask or ask_http

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        base, job = self._target(context.config)
        build = _build_of(context.status)
        if build is None:
            duration = context.config.get("duration")
            query = f"?duration={quote(str(duration))}" if duration is not None else ""
            state = self._call("POST", f"{base}/job/{quote(job, safe='')}/build{query}")
        else:
            state = self._call("GET", f"{base}/job/{quote(job, safe='')}/{build}/api/json")
        status = {"job": job, "id": state.get("id")}
        what = f"job {job} #{state.get('id')}"
        if state.get("building"):
            return Result(
                phase="Running",
                message=f"{what} is running",
                requeue_after=POLL_SECONDS,
                status=status,
            )
        result = state.get("result")
        phase = "Successful" if result == "SUCCESS" else "Failed"
        return Result(phase=phase, message=f"{what}: {result}", requeue_after=None, status=status)

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._stop(context)

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._stop(context)

    def _stop(self, context: Context) -> Result:
        base, job = self._target(context.config)
        build = _build_of(context.status)
        if build is None:
            return _successful(f"job {job} was never started")
        state = self._call("POST", f"{base}/job/{quote(job, safe='')}/{build}/stop")
        if state.get("result") == "ABORTED":
            return _successful(f"job {job} #{build} stopped")
        return _successful(f"job {job} #{build} had ended: {state.get('result')}")

    def _target(self, config: Mapping[str, Any]) -> tuple[str, str]:
        job, url = config.get("job"), config.get("url", self._url)
        if not isinstance(job, str) or not job:
            raise ValueError("config.job must name the Jenkins job to run")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"config.url {url!r} is no http(s) address")
        return url.rstrip("/"), job

    def _call(self, method: str, url: str) -> dict[str, Any]:
        try:
            status, body = self._ask(method, url)
        except OSError as error:
            raise ConnectionError(f"Jenkins cannot be reached: {error}") from error
        if not 200 <= status < 300:
            raise RuntimeError(f"Jenkins answered {status} to {method} {urlsplit(url).path}")
        state = json.loads(body)
        if not isinstance(state, dict):
            raise ValueError("Jenkins answered something that is no object")
        return state


def _build_of(status: Mapping[str, Any] | None) -> int | None:
    build = (status or {}).get("id")
    return build if isinstance(build, int) else None


def _successful(message: str) -> Result:
    return Result(phase="Successful", message=message, requeue_after=None, status=None)


def ask_http(method: str, url: str) -> tuple[int, bytes]:
    """Ask over HTTP, past any proxy the environment names, with a limit of five seconds."""
    import urllib3

    try:
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            answer = pool.request(method, url)
            return answer.status, answer.data
    except urllib3.exceptions.HTTPError as error:
        raise ConnectionError(str(error)) from error
