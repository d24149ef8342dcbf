"""Providers that ask a server: what they send, and what they make of the answers."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.sandbox import tls
from rolloutctl.sandbox.analysis.providers import jsonpath
from rolloutctl.sandbox.analysis.providers.base import MeasurementError
from rolloutctl.sandbox.analysis.requests import (
    LARGEST_ANSWER,
    HttpRequest,
    described,
    fetch_http,
)
from support.answering import Answering, answering
from support.metrics import PLACE, Analysed, phases, values

Obj = dict[str, Any]


def measured(provider: Obj, condition: str = "", **fields: Any) -> Obj:
    """The only measurement of a metric with this provider."""
    analysed = Analysed(web=fetch_http)
    metric = {"name": "a", "provider": provider, "consecutiveErrorLimit": 0, **fields}
    if condition:
        metric["successCondition"] = condition
    analysed.start(metric)
    (found,) = analysed.result("a")["measurements"]
    assert isinstance(found, dict)
    return found


def answer(site: Answering, document: Any, status: int = 200) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    site.answer = lambda asked: (status, body)


# web


@pytest.mark.parametrize(
    ("document", "path", "value", "condition"),
    [
        ({"value": 0.99}, "{$.value}", "0.99", "result >= 0.95"),
        ({"value": 5}, "{$.value}", "5", "result == 5"),
        ({"value": 1e21}, "{.value}", "1e+21", "result > 1"),
        ({"value": 0.0000001}, "{.value}", "1e-07", "result < 1"),
        ({"a": {"b": [{"c": "x"}, 2]}}, "{$.a.b[0]}", '{"c":"x"}', 'result.c == "x"'),
        ({"a": {"b": [1, 2]}}, "{.a.b}", "[1,2]", "len(result) == 2"),
        ({"a": {"b": [1, 2]}}, "{.a.b[-1]}", "2", "result == 2"),
        ({"a b": {"c.d": True}}, "{$['a b']['c.d']}", "true", "result"),
        ({"value": "5"}, "{$.value}", '"5"', "asInt(result) == 5"),
        ({"value": None}, "{$.value}", "null", "isNil(result)"),
        ({"z": 1, "a": "<&>"}, "", '{"a":"\\u003c\\u0026\\u003e","z":1}', "result.z == 1"),
        (
            {"items": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]},
            '{.items[?(@.name=="b")].v}',
            "2",
            "result == 2",
        ),
        ({"items": [{"v": 3}, {"v": 4}]}, "{.items[*].v}", "3", "result == 3"),
        ({"500": 3, "a-b": {"c.d": 4}}, "{$.500}", "3", "result < 2000"),
        ({"500": 3, "a-b": {"c.d": 4}}, "{.a-b.c\\.d}", "4", "result == 4"),
        ({"it's": 1}, '{["it\'s"]}', "1", "result == 1"),
        ({"a": [[1, 2], [3, 4]]}, "{a[1][0]}", "3", "result == 3"),
        ({"a": [1, 2, 3]}, "{.a[1:]}", "2", "result == 2"),
        ({"a": [1, 2]}, "no path {.a[0]} and {.a[1]}", "1", "result == 1"),
        ({"items": [{"v": 3}, {"v": 4}]}, "{..v}", "3", "result == 3"),
    ],
)
def test_the_value_of_a_document(
    site: Answering, document: Any, path: str, value: str, condition: str
) -> None:
    answer(site, document)
    settings = {"url": f"{site.url}/m", **({"jsonPath": path} if path else {})}
    found = measured({"web": settings}, condition)
    assert (found["phase"], found["value"]) == ("Successful", value)


def test_what_is_no_json_is_a_value_nobody_judges(site: Answering) -> None:
    answer(site, b"all is well")
    found = measured({"web": {"url": site.url}}, "result == 1")
    assert (found["phase"], found["value"]) == ("Successful", "all is well")


def test_a_number_no_float_holds_makes_no_json(site: Answering) -> None:
    answer(site, b'{"value": 1e999}')
    found = measured({"web": {"url": site.url, "jsonPath": "{.value}"}}, "result > 1")
    assert found["value"] == '{"value": 1e999}'


def test_a_request_as_it_is_described(site: Answering) -> None:
    answer(site, {"ok": True})
    settings = {
        "url": f"{site.url}/query?x=1",
        "method": "POST",
        "headers": [{"key": "X-Token", "value": "abc"}],
        "jsonBody": {"from": "now", "list": [1]},
        "jsonPath": "{.ok}",
    }
    assert measured({"web": settings}, "result")["phase"] == "Successful"
    (asked,) = site.asked
    assert (asked.method, asked.path, asked.headers["x-token"]) == ("POST", "/query?x=1", "abc")
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {"from": "now", "list": [1]}
    measured({"web": {"url": site.url, "method": "PUT", "body": "plain"}})
    assert (site.asked[1].method, site.asked[1].body) == ("PUT", b"plain")


def test_redirects_are_followed(site: Answering) -> None:
    site.answer = lambda asked: (
        (200, b"1") if asked.path == "/there" else (302, b"", {"Location": "/there"})
    )
    assert measured({"web": {"url": site.url}}, "result == 1")["phase"] == "Successful"


def test_no_proxy_is_asked(site: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer(site, 1)
    assert measured({"web": {"url": site.url}})["phase"] == "Successful"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "GET", "body": "x"}, "Body/JSONBody can only be used with POST or PUT"),
        ({"method": "POST", "body": "x", "jsonBody": {}}, "use either Body or JSONBody"),
        ({"jsonPath": "{.a.missing}"}, "Could not find JSONPath in body: .a.missing is not found"),
        ({"jsonPath": "{.a[}"}, "unrecognized JSONPath {.a[}: "),
        ({"jsonPath": "{range .a}{.b}{end}"}, "the sandbox cannot read the JSONPath"),
        ({"jsonPath": ".a"}, "the sandbox cannot read the JSONPath .a"),
        ({"url": "ftp://x/y"}, 'Get "ftp://x/y": unsupported protocol scheme "ftp"'),
        ({"url": "nothing"}, 'Get "nothing": unsupported protocol scheme ""'),
        (
            {"authentication": {"oauth2": {"tokenUrl": "http://x"}}},
            "the sandbox does not do authentication by oauth2, use headers",
        ),
    ],
)
def test_what_cannot_be_asked(site: Answering, given: Obj, said: str) -> None:
    answer(site, {"a": {}})
    found = measured({"web": {"url": site.url, **given}})
    assert found["phase"] == "Error"
    assert found["message"].startswith(said)


def test_an_answer_that_is_not_ok(site: Answering) -> None:
    answer(site, b"", 503)
    found = measured({"web": {"url": site.url}})
    assert found["message"] == "received non 2xx response code: 503"


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        found = measured({"web": {"url": f"http://{where}/x"}})
    said = f'Get "http://{where}/x": dial tcp {where}: connect: connection refused'
    assert found["message"] == said


def test_an_answer_that_does_not_come(site: Answering) -> None:
    release = threading.Event()

    def late(asked: Any) -> tuple[int, bytes]:
        release.wait(20)
        return 200, b"1"

    site.answer = late
    request = HttpRequest("GET", site.url, timeout=0.1)
    with pytest.raises(OSError) as error:
        fetch_http(request)
    release.set()
    assert described(error.value, request) == (
        f'Get "{site.url}": context deadline exceeded '
        "(Client.Timeout exceeded while awaiting headers)"
    )


def test_an_answer_that_is_too_large(site: Answering) -> None:
    answer(site, b"x" * (LARGEST_ANSWER + 1))
    assert "the answer is larger than" in measured({"web": {"url": site.url}})["message"]


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(1 << 16)
            connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        found = measured({"web": {"url": url}})
        thread.join()
    assert found["message"] == f'Get "{url}": EOF'


@pytest.mark.parametrize("insecure", [True, False])
def test_a_certificate_nobody_knows(insecure: bool) -> None:
    with answering(tls.server_context(*tls.certificate("127.0.0.1"))) as site:
        answer(site, 1)
        found = measured({"web": {"url": site.url, "insecure": insecure}})
    if insecure:
        assert found["phase"] == "Successful"
    else:
        assert "tls: failed to verify certificate" in found["message"]


@settings(max_examples=300, deadline=None)
@given(st.text("{}$.@*[]()?'\"\\=~<>!&|:, ab0-1", max_size=25))
def test_any_path_finds_something_or_says_why_not(path: str) -> None:
    try:
        jsonpath.compiled(path)({"a": {"b": [1, 2]}, "0": None})
    except MeasurementError as error:
        assert str(error)


# prometheus


def instant(kind: str, result: Any, **more: Any) -> Obj:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def vector(*numbers: str) -> Obj:
    return instant("vector", [{"metric": {}, "value": [1.5, number]} for number in numbers])


@pytest.mark.parametrize(
    ("document", "value", "condition", "phase"),
    [
        (vector("0.99"), "[0.99]", "result[0] >= 0.95", "Successful"),
        (vector("0.4"), "[0.4]", "result[0] >= 0.95", "Failed"),
        (vector("1", "25e-1"), "[1,2.5]", "all(result, # >= 1)", "Successful"),
        (vector("NaN"), "[NaN]", "isNaN(result[0])", "Successful"),
        (vector("NaN", "+Inf"), "[NaN,+Inf]", "result[0] >= 0.95", "Failed"),
        (vector(), "[]", "len(result) == 0 || result[0] < 1", "Successful"),
        (instant("scalar", [1.5, "3.25"]), "3.25", "result > 3", "Successful"),
    ],
)
def test_what_prometheus_answers(
    site: Answering, document: Obj, value: str, condition: str, phase: str
) -> None:
    answer(site, document)
    found = measured({"prometheus": {"address": site.url, "query": "up"}}, condition)
    assert (found["phase"], found["value"]) == (phase, value)


def test_what_prometheus_is_asked(site: Answering) -> None:
    answer(site, vector("1"))
    headers = [{"key": "X-Scope-OrgID", "value": "shop"}]
    settings = {"address": f"{site.url}/prefix/", "query": 'up{job="a"}', "headers": headers}
    analysed = Analysed(web=fetch_http)
    analysed.start({"name": "a", "provider": {"prometheus": settings}})
    (asked,) = site.asked
    assert (asked.method, asked.path) == ("POST", "/prefix/api/v1/query")
    assert asked.headers["x-scope-orgid"] == "shop"
    form = parse_qs(asked.body.decode())
    assert form["query"] == ['up{job="a"}']
    assert float(form["time"][0]) == analysed.clock.now().timestamp()
    assert analysed.result("a")["metadata"] == {"ResolvedPrometheusQuery": 'up{job="a"}'}


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error: x"},
            400,
            "bad_data: parse error: x",
        ),
        (b"<html>", 503, "server_error: server error: 503"),
        (b"<html>", 404, "client_error: client error: 404"),
        (b"<html>", 200, "bad_response: the answer is not one of Prometheus"),
        (
            instant("vector", [{"value": []}]),
            200,
            "bad_response: no vector as Prometheus writes it",
        ),
        (instant("matrix", []), 200, "Prometheus metric type not supported"),
        (vector(), 200, "index out of range: 0 (array length is 0)"),
    ],
)
def test_what_prometheus_cannot_answer(
    site: Answering, document: Any, status: int, said: str
) -> None:
    answer(site, document, status)
    found = measured({"prometheus": {"address": site.url, "query": "up"}}, "result[0] > 1")
    assert (found["phase"], found["message"]) == ("Error", said)
    assert "value" not in found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "prometheus address is not configured"),
        ({"address": "prometheus:9090"}, "prometheus address is not is url format"),
        ({"address": "http://x", "timeout": -1}, "prometheus timeout should not be negative"),
        (
            {"address": "http://x", "rangeQuery": {"start": "now()", "end": "now()", "step": "1m"}},
            "the sandbox does instant queries only, no rangeQuery",
        ),
    ],
)
def test_what_prometheus_cannot_be_asked(settings: Obj, said: str) -> None:
    assert measured({"prometheus": {"query": "up", **settings}})["message"] == said


def test_warnings_of_prometheus_are_kept(site: Answering) -> None:
    answer(site, {**vector("1"), "warnings": ["slow", "partial"]})
    found = measured({"prometheus": {"address": site.url, "query": "up"}})
    assert found["metadata"] == {"warnings": '"slow", "partial"'}


# datadog


def with_datadog(address: str, namespace: str = "argo-rollouts", name: str = "datadog") -> Analysed:
    analysed = Analysed(web=fetch_http)
    data = {"address": address, "api-key": "k3y", "app-key": "4pp"}
    metadata = {"name": name, "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    analysed.client.create("secrets", secret, namespace)
    return analysed


def datadog(analysed: Analysed, condition: str, **settings: Any) -> Obj:
    metric = {"name": "a", "provider": {"datadog": settings}, "successCondition": condition}
    analysed.start({**metric, "consecutiveErrorLimit": 0})
    return analysed.result("a")


def test_datadog_by_its_first_version(site: Answering) -> None:
    answer(site, {"series": [{"pointlist": [[1, 0.5], [2, 0.0125]]}]})
    analysed = with_datadog(site.url)
    found = datadog(analysed, "result < 0.05", query="avg:errors{a:b}", interval="10m")
    assert (phases(found), values(found)) == (["Successful"], ["0.0125"])
    (asked,) = site.asked
    address = urlsplit(asked.path)
    query = {key: each[0] for key, each in parse_qs(address.query).items()}
    now = int(analysed.clock.now().timestamp())
    assert (asked.method, address.path) == ("GET", "/api/v1/query")
    assert query == {"query": "avg:errors{a:b}", "from": str(now - 600), "to": str(now)}
    assert (asked.headers["dd-api-key"], asked.headers["dd-application-key"]) == ("k3y", "4pp")


def test_datadog_by_its_second_version(site: Answering) -> None:
    columns = [{"name": "x", "type": "number", "values": [0.25]}]
    answer(site, {"data": {"attributes": {"columns": columns}}})
    found = datadog(
        with_datadog(site.url, PLACE, "own"),
        "result == 0.25",
        apiVersion="v2",
        queries={"a": "sum:errors{}", "b": "sum:requests{}"},
        formula="a / b",
        aggregator="avg",
        secretRef={"name": "own", "namespaced": True},
    )
    assert (phases(found), values(found)) == (["Successful"], ["0.25"])
    (asked,) = site.asked
    assert (asked.method, asked.path) == ("POST", "/api/v2/query/scalar")
    sent = json.loads(asked.body)["data"]
    assert sent["type"] == "scalar_request"
    assert sent["attributes"]["formulas"] == [{"formula": "a / b"}]
    assert [(each["name"], each["aggregator"]) for each in sent["attributes"]["queries"]] == [
        ("a", "avg"),
        ("b", "avg"),
    ]


def test_datadog_has_several_groups(site: Answering) -> None:
    columns = [
        {"name": "host", "type": "group", "values": [["a"], ["b"]]},
        {"name": "x", "type": "number", "values": [0.5, 2]},
    ]
    answer(site, {"data": {"attributes": {"columns": columns}}})
    found = datadog(with_datadog(site.url), "max(result) < 3", apiVersion="v2", query="q")
    assert (phases(found), values(found)) == (["Successful"], ["[0.5,2]"])


@pytest.mark.parametrize(
    ("version", "document"), [("v1", {"series": []}), ("v2", {"data": {"attributes": {}}})]
)
def test_datadog_has_no_data(site: Answering, version: str, document: Obj) -> None:
    answer(site, document)
    analysed = with_datadog(site.url)
    found = datadog(analysed, "default(result, 0) < 0.05", apiVersion=version, query="q")
    assert (phases(found), values(found)) == (["Successful"], ["[]"])


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b"no", "received authentication error response code: 403 no"),
        (500, b"oh", "received non 2xx response code: 500 oh"),
        (200, b"<", "Could not parse JSON body: "),
    ],
)
def test_datadog_does_not_answer(site: Answering, status: int, body: bytes, said: str) -> None:
    answer(site, body, status)
    found = datadog(with_datadog(site.url), "result < 1", query="q")
    assert found["message"].startswith(said)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"apiVersion": "v2"}, "Must have either a query or queries."),
        ({"query": "q", "queries": {"a": "q"}}, "Cannot have both a query and queries."),
        ({"queries": {"a": "q"}}, "Query is empty. API Version v1 only supports"),
        ({"apiVersion": "v2", "query": "q", "formula": "a"}, "Formula are only valid when queries"),
        ({"apiVersion": "v2", "queries": {"a": "q", "b": "q"}}, "When multiple queries are"),
        ({"query": "q", "aggregator": "avg", "apiVersion": "v1"}, "Aggregator is not supported"),
        ({"query": "q", "secretRef": {"namespaced": True}}, "secret name is required for"),
        ({"query": "q", "secretRef": {"name": "x"}}, "failed to find the credentials for datadog"),
    ],
)
def test_what_datadog_cannot_be_asked(site: Answering, settings: Obj, said: str) -> None:
    found = datadog(with_datadog(site.url), "result < 1", **settings)
    assert found["message"].startswith(said)
    assert site.asked == []
