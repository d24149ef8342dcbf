"""AnalysisRuns on an embedded cluster: when they measure, what stops them, what they say."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.analysis.requests import HttpAnswer, HttpRequest
from rolloutctl.sandbox.clock import FakeClock
from support.metrics import PLACE, Analysed, phases, scripted, values, web


@pytest.fixture
def analysed() -> Analysed:
    return Analysed()


def test_one_measurement_without_count_and_interval(analysed: Analysed) -> None:
    status = analysed.start(web())
    assert status["phase"] == "Successful"
    assert status["runSummary"] == {"count": 1, "successful": 1}
    assert status["dryRunSummary"] == {}
    assert analysed.result("success-rate")["count"] == 1
    assert analysed.after(3600) == status


def test_an_interval_alone_never_ends(analysed: Analysed) -> None:
    analysed.start(web(interval="1m"))
    analysed.after(59)
    assert analysed.result("success-rate")["count"] == 1
    analysed.after(1.1)
    assert analysed.result("success-rate")["count"] == 2
    analysed.after(3600)
    assert analysed.phase() == ("Running", "")
    assert analysed.result("success-rate")["count"] == 62


def test_durations_pass_as_fast_as_the_cluster() -> None:
    analysed = Analysed(clock=FakeClock(speed=20))
    analysed.start(web(interval="10s", initialDelay="5s", count=3))
    assert "metricResults" not in analysed.status()
    analysed.after(0.26)
    assert analysed.result("success-rate")["count"] == 1
    analysed.after(0.4)
    assert analysed.result("success-rate")["count"] == 1
    analysed.after(0.11)
    assert analysed.result("success-rate")["count"] == 2
    assert analysed.after(0.51)["phase"] == "Successful"


def test_the_first_measurement_can_wait(analysed: Analysed) -> None:
    assert analysed.start(web(initialDelay="30s"))["phase"] == "Running"
    assert "metricResults" not in analysed.after(29)
    assert analysed.after(1.1)["phase"] == "Successful"


def test_a_metric_that_waits_keeps_a_run_going(analysed: Analysed) -> None:
    status = analysed.start(web(), scripted(1, initialDelay="30s"))
    assert status["phase"] == "Running"
    assert status["runSummary"] == {"count": 2, "successful": 1}
    assert analysed.after(31)["runSummary"] == {"count": 2, "successful": 2}


def test_more_failures_than_the_limit_fail(analysed: Analysed) -> None:
    analysed.start(scripted(0.1, 1, 0.1, 1, count=5, interval="10s", failureLimit=1))
    assert analysed.after(19)["phase"] == "Running"
    analysed.after(1.1)
    said = 'Metric "scripted" assessed Failed due to failed (2) > failureLimit (1)'
    assert analysed.phase() == ("Failed", said)
    assert phases(analysed.result("scripted")) == ["Failed", "Successful", "Failed"]
    assert analysed.events() == [
        "Warning MetricFailed Metric 'scripted' Completed. Result: Failed",
        "Warning AnalysisRunFailed Analysis Completed. Result: Failed",
    ]


def test_failures_within_the_limit_succeed(analysed: Analysed) -> None:
    analysed.start(scripted(0.1, 1, 0.1, count=3, interval="1s", failureLimit=2))
    assert analysed.after(4)["phase"] == "Successful"
    result = analysed.result("scripted")
    assert (result["count"], result["successful"], result["failed"]) == (3, 1, 2)


def test_without_a_limit_failures_do_not_matter(analysed: Analysed) -> None:
    analysed.start(scripted(0.1, count=3, interval="1s", failureLimit=-1))
    assert analysed.after(4)["phase"] == "Successful"


@pytest.mark.parametrize(
    ("value", "phase"), [(0.99, "Successful"), (0.5, "Inconclusive"), (0.1, "Failed")]
)
def test_between_two_conditions_a_measurement_is_inconclusive(
    analysed: Analysed, value: float, phase: str
) -> None:
    both = {"successCondition": "result >= 0.9", "failureCondition": "result < 0.2"}
    analysed.start(scripted(value, **both))
    assert phases(analysed.result("scripted")) == [phase]
    assert analysed.phase()[0] == phase


def test_a_failure_condition_alone(analysed: Analysed) -> None:
    metric = scripted(0.1, 0.9, count=2, interval="1s", failureLimit=1)
    del metric["successCondition"]
    analysed.start({**metric, "failureCondition": "result < 0.5"})
    analysed.after(2)
    assert phases(analysed.result("scripted")) == ["Failed", "Successful"]


def test_without_conditions_every_value_is_good(analysed: Analysed) -> None:
    metric = scripted({"a": [1, None]})
    del metric["successCondition"]
    analysed.start(metric)
    assert phases(analysed.result("scripted")) == ["Successful"]
    assert values(analysed.result("scripted")) == ['{"a":[1,null]}']


def test_too_many_inconclusive_measurements(analysed: Analysed) -> None:
    both = {"failureCondition": "result < 0.2", "inconclusiveLimit": 1}
    analysed.start(scripted(0.5, count=4, interval="1s", **both))
    analysed.after(2)
    said = 'Metric "scripted" assessed Inconclusive due to inconclusive (2) > inconclusiveLimit (1)'
    assert analysed.phase() == ("Inconclusive", said)
    assert analysed.events()[0].startswith("Normal MetricInconclusive ")


def test_errors_are_tried_again_after_ten_seconds_and_not_counted(analysed: Analysed) -> None:
    analysed.start(scripted("error: no data", "error: no data", 1, count=1, interval="1s"))
    analysed.after(9.9)
    assert phases(analysed.result("scripted")) == ["Error"]
    analysed.after(0.2)
    assert analysed.result("scripted")["consecutiveError"] == 2
    assert analysed.after(10)["phase"] == "Successful"
    result = analysed.result("scripted")
    assert (result["count"], result["error"], result["successful"]) == (1, 2, 1)
    assert "consecutiveError" not in result


def test_five_errors_in_a_row_are_too_many(analysed: Analysed) -> None:
    analysed.start(scripted("error: no data"))
    assert analysed.after(39)["phase"] == "Running"
    analysed.after(2)
    assert analysed.phase() == (
        "Error",
        'Metric "scripted" assessed Error due to consecutiveErrors (5) > '
        'consecutiveErrorLimit (4): "Error Message: no data"',
    )


def test_what_cannot_be_evaluated_is_an_error(analysed: Analysed) -> None:
    analysed.start(scripted([], successCondition="result[0] > 1", consecutiveErrorLimit=0))
    assert analysed.result("scripted")["message"] == "index out of range: 0 (array length is 0)"
    assert analysed.phase()[0] == "Error"


def test_enough_successes_in_a_row_end_it(analysed: Analysed) -> None:
    many = {"failureLimit": 5, "consecutiveSuccessLimit": 2, "interval": "1s"}
    analysed.start(scripted(1, 0.1, 1, 1, 0.1, **many))
    assert analysed.after(5)["phase"] == "Successful"
    assert len(phases(analysed.result("scripted"))) == 4


@pytest.mark.parametrize(("limit", "phase"), [(2, "Inconclusive"), (-1, "Failed")])
def test_too_few_successes_in_a_row(analysed: Analysed, limit: int, phase: str) -> None:
    many = {"consecutiveSuccessLimit": 2, "interval": "1s", "count": 3}
    analysed.start(scripted(1, 0.1, 1, failureLimit=limit, **many))
    assert analysed.after(5)["phase"] == phase


def test_a_metric_that_fails_ends_the_others(analysed: Analysed) -> None:
    good = scripted(1, interval="1s", name="endless")
    bad = scripted(1, 0.1, interval="3s", name="bad")
    analysed.start(good, bad, scripted(1, initialDelay="1h", name="late"))
    status = analysed.after(10)
    assert analysed.phase() == (
        "Failed",
        'Metric "bad" assessed Failed due to failed (1) > failureLimit (0)',
    )
    assert [(each["name"], each["phase"]) for each in status["metricResults"]] == [
        ("endless", "Successful"),
        ("bad", "Failed"),
    ]
    assert status["runSummary"] == {"count": 3, "failed": 1, "successful": 1}
    assert analysed.after(60) == status


def test_the_worst_metric_decides(analysed: Analysed) -> None:
    inconclusive = scripted(0.5, failureCondition="result < 0.2", name="a")
    error = scripted("error: x", consecutiveErrorLimit=0, name="b")
    analysed.start(inconclusive, error, scripted(0.1, name="c"), scripted(1, name="d"))
    assert analysed.phase()[0] == "Failed"
    summary = {"count": 4, "inconclusive": 1, "error": 1, "failed": 1, "successful": 1}
    assert analysed.status()["runSummary"] == summary


def test_a_dry_run_has_no_consequence(analysed: Analysed) -> None:
    analysed.start(scripted(1), scripted(0.1, name="try-a"), dryRun=[{"metricName": "^try"}])
    status = analysed.status()
    assert analysed.phase() == ("Successful", "")
    assert status["runSummary"] == {"count": 1, "successful": 1}
    assert status["dryRunSummary"] == {"count": 1, "failed": 1}
    result = analysed.result("try-a")
    assert result["dryRun"] is True
    assert result["message"] == "Metric assessed Failed due to failed (1) > failureLimit (0)"


def test_nothing_but_dry_runs_succeeds(analysed: Analysed) -> None:
    analysed.start(scripted(0.1), dryRun=[{"metricName": ".*"}])
    assert analysed.phase() == ("Successful", "")


def test_ten_measurements_are_kept_unless_a_rule_says_otherwise(analysed: Analysed) -> None:
    rule = [{"metricName": "all", "limit": 15}]
    twenty = {"count": 20, "interval": "1s", "failureLimit": 20}
    numbered = [float(each) for each in range(20)]
    many = scripted(*numbered, name="all", **twenty)
    analysed.start(many, scripted(*numbered, **twenty), measurementRetention=rule)
    assert analysed.after(30)["phase"] == "Successful"
    assert values(analysed.result("scripted")) == [str(each) for each in range(10, 20)]
    assert len(values(analysed.result("all"))) == 15
    assert analysed.result("all")["count"] == 20


def test_a_run_that_is_told_to_end_succeeds_if_nothing_was_bad(analysed: Analysed) -> None:
    analysed.start(web(interval="10s"))
    analysed.terminate()
    assert analysed.phase() == ("Successful", "Run Terminated")
    status = analysed.status()
    assert analysed.after(60) == status


def test_a_run_told_to_end_before_it_measured(analysed: Analysed) -> None:
    analysed.start(scripted(1, initialDelay="1h"), terminate=True)
    assert analysed.phase() == ("Successful", "Run Terminated")
    assert "metricResults" not in analysed.status()


ENDLESS: list[tuple[list[dict[str, Any]], dict[str, Any], str]] = [
    ([], {}, "Analysis spec invalid: no metrics specified"),
    ([scripted(1), scripted(2)], {}, "metrics[1]: duplicate name 'scripted'"),
    ([scripted(1, count=2)], {}, "metrics[0]: interval must be specified when count > 1"),
    ([scripted(1, count=1, failureLimit=2)], {}, "metrics[0]: count must be >= failureLimit"),
    ([scripted(1, count=1, inconclusiveLimit=2)], {}, "count must be >= inconclusiveLimit"),
    ([scripted(1, inconclusiveLimit=-1)], {}, "metrics[0]: inconclusiveLimit must be >= 0"),
    ([scripted(1, consecutiveErrorLimit=-1)], {}, "consecutiveErrorLimit must be >= 0"),
    (
        [scripted(1, interval="5")],
        {},
        'invalid interval string: time: missing unit in duration "5"',
    ),
    ([scripted(1, initialDelay="x")], {}, 'invalid startDelay string: time: invalid duration "x"'),
    ([{"name": "a", "provider": {}}], {}, "metrics[0]: no provider specified"),
    (
        [{"name": "a", "provider": {**web()["provider"], **scripted(1)["provider"]}}],
        {},
        "multiple providers specified",
    ),
    (
        [scripted(1)],
        {"dryRun": [{"metricName": "other"}]},
        "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)",
    ),
    (
        [scripted(1)],
        {"measurementRetention": [{"metricName": "other", "limit": 1}]},
        "measurementRetention[0]: Rule didn't match any metric name(s)",
    ),
    (
        [web("/{{args.path}}")],
        {},
        "Unable to resolve metric arguments: failed to resolve {{args.path}}",
    ),
    (
        [web("/{{args.path}}")],
        {"args": [{"name": "path"}]},
        'Unable to resolve metric arguments: argument "path" was not supplied',
    ),
]


@pytest.mark.parametrize(("metrics", "spec", "said"), ENDLESS)
def test_what_cannot_be_run_is_an_error_at_once(
    analysed: Analysed, metrics: list[dict[str, Any]], spec: dict[str, Any], said: str
) -> None:
    status = analysed.start(*metrics, **spec)
    assert status["phase"] == "Error"
    assert status["message"].endswith(said)
    assert status["message"].startswith(("Analysis spec invalid: ", "Unable to resolve metric"))
    assert "completedAt" not in status
    assert status["runSummary"] == {}
    assert analysed.events() == ["Warning AnalysisRunError Analysis Completed. Result: Error"]


def test_arguments_are_known_anywhere_in_a_metric(analysed: Analysed) -> None:
    metric = web(
        "/{{ args.path }}",
        name="{{args.path}}-rate",
        count="{{args.count}}",
        interval="{{args.every}}",
        successCondition="result >= {{args.limit}}",
    )
    given = {"path": "ok", "count": "2", "every": "3s", "limit": "0.99"}
    args = [{"name": name, "value": value} for name, value in given.items()]
    analysed.start(metric, args=args)
    assert analysed.after(4)["phase"] == "Successful"
    assert analysed.result("ok-rate")["count"] == 2


def secret(analysed: Analysed, **data: str) -> None:
    metadata = {"name": "tokens", "namespace": PLACE}
    described = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    analysed.client.create("secrets", described, PLACE)


def from_secret(key: str, named: str = "tokens") -> list[dict[str, Any]]:
    return [{"name": "token", "valueFrom": {"secretKeyRef": {"name": named, "key": key}}}]


def test_a_secret_is_used_and_never_shown() -> None:
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpAnswer:
        seen.append(request)
        return HttpAnswer(200, b'"you sent s3cr3t"')

    analysed = Analysed(web=answer)
    secret(analysed, token="s3cr3t")
    metric = web(successCondition="result contains '{{args.token}}'")
    metric["provider"]["web"]["headers"] = [{"key": "Authorization", "value": "{{args.token}}"}]
    metric["provider"]["web"]["jsonPath"] = "{$}"
    wrong = web("/{{args.token}}", name="wrong", successCondition="result > 1")
    wrong["provider"]["web"]["jsonPath"] = "{$.{{args.token}}}"
    analysed.start(metric, wrong, args=from_secret("token"))
    assert seen[0].headers == {"Authorization": "s3cr3t"}
    assert seen[1].url.endswith("/s3cr3t")
    assert phases(analysed.result("success-rate")) == ["Successful"]
    assert values(analysed.result("success-rate")) == ['"you sent *****"']
    assert "*****" in analysed.result("wrong")["measurements"][0]["message"]
    assert "s3cr3t" not in str(analysed.run()["status"])


def test_a_secret_in_a_name_is_not_shown_either(analysed: Analysed) -> None:
    secret(analysed, token="s3cr3t")
    analysed.start(web(name="rate-{{args.token}}"), args=from_secret("token"))
    assert analysed.phase()[0] == "Successful"
    assert "s3cr3t" not in str(analysed.run()["status"])
    assert "s3cr3t" not in str(analysed.events())


@pytest.mark.parametrize("count", ["x", "0", 0])
def test_a_count_that_is_no_number_is_none(analysed: Analysed, count: object) -> None:
    analysed.start(web(count=count, interval="1s"))
    assert analysed.after(20)["phase"] == "Running"


def test_an_interval_may_be_shorter_than_a_second(analysed: Analysed) -> None:
    analysed.cluster.advance(0.7)
    analysed.start(web(interval="500ms"))
    analysed.after(10)
    assert analysed.result("success-rate")["count"] == 20


def test_an_interval_of_nothing_does_not_keep_the_cluster_busy(analysed: Analysed) -> None:
    analysed.start(web(interval="0s"))
    analysed.after(5)
    assert 1 < analysed.result("success-rate")["count"] <= 51


@pytest.mark.parametrize(
    ("named", "key", "said"),
    [
        ("tokens", "nothing", "key 'nothing' does not exist in secret 'tokens'"),
        ("nobody", "token", 'secrets "nobody" not found'),
    ],
)
def test_a_secret_that_is_not_there(analysed: Analysed, named: str, key: str, said: str) -> None:
    secret(analysed, token="s3cr3t")
    analysed.start(web(), args=from_secret(key, named))
    assert analysed.phase() == ("Error", f"Unable to resolve metric arguments: {said}")


@pytest.mark.parametrize(
    ("strategy", "value", "seconds"),
    [
        ({"secondsAfterCompletion": 30}, 1, 30),
        ({"secondsAfterSuccess": 20, "secondsAfterCompletion": 30}, 1, 20),
        ({"secondsAfterFailure": 10, "secondsAfterCompletion": 30}, 0.1, 10),
        ({"secondsAfterFailure": 10}, 1, None),
    ],
)
def test_a_run_that_has_ended_may_be_deleted(
    analysed: Analysed, strategy: dict[str, int], value: float, seconds: int | None
) -> None:
    analysed.start(scripted(value), ttlStrategy=strategy)
    stays = 3600 if seconds is None else seconds - 1
    analysed.after(stays)
    assert len(analysed.objects("analysisruns")) == 1
    if seconds is not None:
        analysed.cluster.advance(1.1)
        assert analysed.objects("analysisruns") == []


def test_nothing_is_measured_while_no_controller_runs(analysed: Analysed) -> None:
    analysed.start(web(interval="10s"))
    scale = {"spec": {"replicas": 0}}
    analysed.client.patch("deployments", "argo-rollouts", scale, "argo-rollouts")
    analysed.after(60)
    assert analysed.result("success-rate")["count"] == 1
    scale = {"spec": {"replicas": 1}}
    analysed.client.patch("deployments", "argo-rollouts", scale, "argo-rollouts")
    analysed.after(1)
    assert analysed.result("success-rate")["count"] == 2


def test_runs_of_another_controller_are_left_alone(analysed: Analysed) -> None:
    label = {"argo-rollouts.argoproj.io/controller-instance-id": "theirs"}
    run = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "run", "namespace": PLACE, "labels": label},
        "spec": {"metrics": [web()]},
    }
    analysed.client.create("analysisruns", run, PLACE)
    assert analysed.after(60) == {}
    nobodys = {"metadata": {"labels": dict.fromkeys(label)}}
    analysed.patch(nobodys)
    assert analysed.phase() == ("Successful", "")


@pytest.mark.parametrize(
    "kind",
    ["kayenta", "wavefront", "newRelic", "cloudWatch", "graphite", "influxdb", "skywalking"],
)
def test_other_providers_say_that_they_are_not_there(analysed: Analysed, kind: str) -> None:
    metric = {"name": "a", "provider": {kind: {"query": "x"}}, "consecutiveErrorLimit": 0}
    analysed.start(metric)
    assert analysed.result("a")["message"] == f"the sandbox has no provider {kind}"
    assert analysed.phase()[0] == "Error"


def test_another_plugin_says_that_it_is_not_there(analysed: Analysed) -> None:
    analysed.start({"name": "a", "provider": {"plugin": {"our/metric": {}}}})
    said = "the sandbox has no implementation of the metric plugin our/metric"
    assert analysed.result("a")["measurements"][0]["message"] == said
    assert len(analysed.log) == 1, "nothing but that the controller started"
