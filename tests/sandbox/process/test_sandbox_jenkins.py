"""The fake Jenkins and its switch, and the gate that asks it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rolloutctl.sandbox.api.messages import Request
from rolloutctl.sandbox.clock import FakeClock
from rolloutctl.sandbox.plugins.jenkins import FakeJenkins, Mode
from rolloutctl.sandbox.plugins.jenkins_gate import JenkinsGate
from rolloutctl.sandbox.plugins.protocol import Context, Result

URL = "http://jenkins.example/jenkins"


class Ci:
    """A Jenkins, a gate in front of it, and the status a controller would keep between calls."""

    def __init__(self, speed: float = 1.0, **config: Any) -> None:
        self.clock = FakeClock(speed=speed)
        self.jenkins = FakeJenkins(self.clock)
        self.gate = JenkinsGate(URL, self.ask)
        self.config = {"job": "smoke", **config}
        self.status: Any = None

    def ask(self, method: str, url: str) -> tuple[int, bytes]:
        address = urlsplit(url)
        query = tuple(parse_qsl(address.query))
        answer = self.jenkins.handle(Request(method, address.path, query))
        return answer.status, answer.body

    def context(self) -> Context:
        return Context("demo/jenkins-gate", self.config, self.status)

    def run(self) -> Result:
        result = self.gate.run({}, self.context())
        self.status = result.status
        return result

    def state(self) -> Any:
        _, body = self.ask("GET", f"{URL}/job/smoke/{self.status['id']}/api/json")
        return json.loads(body)


def test_the_gate_starts_one_job_and_passes_when_it_succeeds() -> None:
    ci = Ci(duration="90s")
    first = ci.run()
    assert first.phase == "Running"
    assert first.requeue_after is not None and first.requeue_after > 10
    assert first.status == {"job": "smoke", "id": 8801}
    ci.clock.advance(60)
    assert ci.run().phase == "Running"
    ci.clock.advance(31)
    last = ci.run()
    assert (last.phase, last.message) == ("Successful", "job smoke #8801: SUCCESS")
    assert ci.jenkins.counts() == {"SUCCESS": 1}


def test_jobs_follow_the_speed_of_the_sandbox() -> None:
    ci = Ci(speed=10, duration="60s")
    ci.run()
    ci.clock.advance(5.9)
    assert ci.run().phase == "Running"
    ci.clock.advance(0.2)
    assert ci.run().phase == "Successful"


def test_a_failing_jenkins_fails_the_jobs_that_end_meanwhile_and_no_others() -> None:
    ci = Ci(duration="10s")
    ci.run()
    early = ci.status
    ci.clock.advance(11)
    ci.jenkins.switch(Mode.FAILING)
    assert ci.state()["result"] == "SUCCESS"
    ci.status = None
    ci.run()
    ci.clock.advance(11)
    ci.jenkins.switch(Mode.UP)
    assert ci.run().phase == "Failed"
    assert early is not None and early["id"] != ci.status["id"]


def test_a_slow_jenkins_takes_ten_times_as_long() -> None:
    ci = Ci(duration="10s")
    ci.jenkins.switch(Mode.SLOW)
    ci.run()
    ci.clock.advance(99)
    assert ci.run().phase == "Running"
    ci.clock.advance(2)
    assert ci.run().phase == "Successful"


def test_a_jenkins_that_is_down_is_an_error_and_its_job_goes_on() -> None:
    ci = Ci(duration="10s")
    ci.run()
    ci.jenkins.switch(Mode.DOWN)
    with pytest.raises(RuntimeError, match="503"):
        ci.run()
    ci.clock.advance(11)
    ci.jenkins.switch(Mode.UP)
    assert ci.run().phase == "Successful"


def test_nobody_listening_is_an_error_that_says_so() -> None:
    def refused(method: str, url: str) -> tuple[int, bytes]:
        raise ConnectionRefusedError("connection refused")

    gate = JenkinsGate(URL, refused)
    with pytest.raises(ConnectionError, match=r"cannot be reached.*refused"):
        gate.run({}, Context("demo/jenkins-gate", {"job": "smoke"}))


@pytest.mark.parametrize("call", ["terminate", "abort"])
def test_terminate_and_abort_stop_the_job(call: str) -> None:
    ci = Ci(duration="1h")
    ci.run()
    result = getattr(ci.gate, call)({}, ci.context())
    assert (result.phase, result.message) == ("Successful", "job smoke #8801 stopped")
    assert ci.state() == {"id": 8801, "job": "smoke", "building": False, "result": "ABORTED"}


def test_aborting_a_job_that_has_ended_leaves_its_result() -> None:
    ci = Ci(duration="1s")
    ci.run()
    ci.clock.advance(2)
    result = ci.gate.abort({}, ci.context())
    assert "had ended: SUCCESS" in result.message
    assert ci.state()["result"] == "SUCCESS"


@pytest.mark.parametrize(
    "config",
    [{}, {"job": 5}, {"job": ""}, {"job": "a", "url": "ftp://x"}, {"job": "a", "url": 3}],
)
def test_a_config_it_cannot_use_is_an_error_that_names_the_field(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"config\.(job|url)"):
        Ci().gate.run({}, Context("demo/jenkins-gate", config))


def test_job_names_are_only_names() -> None:
    ci = Ci()
    ci.config["job"] = "../secret/x?y=1"
    with pytest.raises(RuntimeError, match="404"):
        # The path is quoted, so nothing but a job of that odd name can be meant.
        JenkinsGate(URL, lambda method, url: (404 if "%2F" in url else 201, b"{}")).run(
            {}, ci.context()
        )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jenkins/api/json", 200),
        ("GET", "/jenkins/job/a/build", 405),
        ("POST", "/jenkins/job/a/build", 201),
        ("GET", "/jenkins/job/a/1/api/json", 404),
        ("GET", "/jenkins/nothing", 404),
    ],
)
def test_addresses(method: str, path: str, status: int) -> None:
    assert FakeJenkins(FakeClock()).handle(Request(method, path)).status == status


def test_a_duration_that_is_none_is_refused() -> None:
    request = Request("POST", "/jenkins/job/a/build", (("duration", "soon"),))
    answer = FakeJenkins(FakeClock()).handle(request)
    assert answer.status == 400
    assert b"soon" in answer.body
