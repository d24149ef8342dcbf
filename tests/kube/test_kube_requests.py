"""What single requests make of good and of bad answers."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl import kube
from rolloutctl.domain.cluster import CONFIG_MAPS, PODS, ROLLOUTS, Change, Kind
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import (
    ClusterError,
    Conflict,
    Failed,
    Forbidden,
    InDoubt,
    NotFound,
    RolloutctlError,
    Unauthorized,
    Unreachable,
    UsageError,
)
from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.kube.failures import Target, failure
from support.scripted import (
    Scripted,
    Step,
    cut,
    drop,
    refuse,
    reply,
    serving,
    silent,
    thing,
    write_kubeconfig,
)

CHANGE = Change(ROLLOUTS, "default", "web", "status", ({"op": "test", "path": "/a", "value": 1},))
WEB = reply(200, thing("web", 7))
BUSY = refuse(429, "too many requests", "TooManyRequests", Retry_After="2")


def get(cluster: KubeCluster) -> Rollout:
    return cluster.get(ROLLOUTS, "default", "web", Rollout)


def resting(script: Scripted, folder: Path, **more: Any) -> tuple[KubeCluster, list[float]]:
    """A client that notes its pauses instead of making them."""
    naps: list[float] = []
    cluster = script.cluster(folder=folder, **more)
    cluster.transport.sleep = naps.append
    cluster.transport.pace.clock = lambda: sum(naps)
    cluster.transport.pace.chance = lambda: 0.0
    return cluster, naps


def refused(code: int, message: str, **more: Any) -> Any:
    """What `failure` makes of a Status with that code, for a GET unless told otherwise."""
    status = {"message": message, "code": code, **{k: v for k, v in more.items() if k == "details"}}
    target = more.get("target", Target("get", ROLLOUTS, "shop", "web"))
    return failure(code, json.dumps(status).encode(), target, "prod")


# --- good answers ---------------------------------------------------------------------------------


def test_an_object_is_decoded_and_the_request_says_who_asks(tmp_path: Path) -> None:
    with serving(WEB) as script:
        cluster = script.cluster(folder=tmp_path)
        assert get(cluster).metadata.resource_version == "7"
    (asked,) = script.asked
    assert asked.path == "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web"
    assert asked.headers["Authorization"] == "Bearer secret"
    assert asked.headers["User-Agent"].startswith("rolloutctl/")
    assert "Impersonate-User" not in asked.headers


def test_a_compressed_answer_is_read(tmp_path: Path) -> None:
    body = gzip.compress(json.dumps(thing("web", 7)).encode())
    with serving(reply(200, body, Content_Encoding="gzip")) as script:
        assert get(script.cluster(folder=tmp_path)).metadata.name == "web"
    assert script.asked[0].headers["Accept-Encoding"] == "gzip"


def test_compression_can_be_declined(tmp_path: Path) -> None:
    with serving(WEB) as script:
        get(script.cluster(folder=tmp_path, cluster={"disable-compression": True}))
    assert script.asked[0].headers.get("Accept-Encoding") in (None, "identity")


def test_a_change_is_one_json_patch_with_a_manager(tmp_path: Path) -> None:
    with serving(WEB) as script:
        script.cluster(folder=tmp_path).apply(CHANGE, dry_run=True)
    (asked,) = script.asked
    assert (asked.method, asked.path.rsplit("/", 2)[1:]) == ("PATCH", ["web", "status"])
    assert asked.query == {"fieldManager": "rolloutctl", "dryRun": "All"}
    assert asked.headers["Content-Type"] == "application/json-patch+json"
    assert json.loads(asked.body) == list(CHANGE.operations)


def test_the_clock_of_the_server_is_compared(tmp_path: Path) -> None:
    class Late:
        """Answers dated an hour ago."""

        def __call__(self, handler: Any) -> None:
            then = datetime.now(UTC) - timedelta(hours=1)
            handler.date_time_string = lambda timestamp=None: format_datetime(then, usegmt=True)
            WEB(handler)

    with serving(Late()) as script:
        cluster = script.cluster(folder=tmp_path)
        assert cluster.server_time_skew() == 0.0
        get(cluster)
    assert 3595 < cluster.server_time_skew() < 3610


def test_acting_as_somebody(tmp_path: Path) -> None:
    with serving(WEB) as script:
        get(script.cluster(folder=tmp_path, impersonate="system:serviceaccount:a:b"))
    assert script.asked[0].headers["Impersonate-User"] == "system:serviceaccount:a:b"


ANN = {"token": "t", "as": "ann", "as-uid": "7", "as-groups": ["dev", "ops"]}


def acting(folder: Path, user: dict[str, Any], **given: Any) -> list[tuple[str, str]]:
    """The headers that say whom a request is made as, in the order of their names."""
    cluster = kube.connect(
        kubeconfig=str(write_kubeconfig(folder / "config", "https://one", user=user)),
        env={},
        **given,
    )
    return sorted(cluster.transport.settings.impersonate)


def test_whom_to_act_as_may_stand_in_the_kubeconfig(tmp_path: Path) -> None:
    with serving(WEB) as script:
        get(script.cluster(folder=tmp_path, user=ANN))
    headers = script.asked[0].headers
    assert (headers["Impersonate-User"], headers["Impersonate-Uid"]) == ("ann", "7")
    # Each group is a header of its own; a mapping keeps the last.
    assert headers["Impersonate-Group"] == "ops"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"impersonate": "bob"}, ("bob", "7", "dev", "ops")),
        ({"as_groups": ["qa"]}, ("ann", "7", "qa")),
        ({"as_uid": "8"}, ("ann", "8", "dev", "ops")),
        ({"impersonate": "bob", "as_groups": ["a", "b"], "as_uid": "8"}, ("bob", "8", "a", "b")),
    ],
)
def test_each_option_replaces_its_field_of_the_kubeconfig(
    tmp_path: Path, given: dict[str, Any], sent: tuple[str, ...]
) -> None:
    """As kubectl merges them: what is not given stays as the kubeconfig has it."""
    user, uid, *groups = sent
    wanted = [("Impersonate-User", user), ("Impersonate-Uid", uid)]
    wanted += [("Impersonate-Group", group) for group in groups]
    assert acting(tmp_path, ANN, **given) == sorted(wanted)


def test_what_more_is_said_of_whom_to_act_as(tmp_path: Path) -> None:
    user = {"token": "t", "as": "ann", "as-user-extra": {"example.com/scope": ["a", "b"], "x": "?"}}
    assert acting(tmp_path, user) == [
        ("Impersonate-Extra-example.com%2Fscope", "a"),
        ("Impersonate-Extra-example.com%2Fscope", "b"),
        ("Impersonate-User", "ann"),
    ]


@pytest.mark.parametrize("given", [{"as_groups": ["dev"]}, {"as_uid": "7"}])
def test_a_group_or_a_uid_needs_a_user(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--as"):
        acting(tmp_path, {"token": "t"}, **given)


@pytest.mark.parametrize("name", ["a\nX-Evil: 1", "grün", "a\r"])
@pytest.mark.parametrize("option", ["impersonate", "as_groups", "as_uid"])
def test_whom_no_header_fits_is_refused(tmp_path: Path, option: str, name: str) -> None:
    given = {"impersonate": "bob", option: [name] if option == "as_groups" else name}
    with pytest.raises(UsageError, match="--as"):
        acting(tmp_path, {"token": "t"}, **given)


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with serving(WEB) as script:
        cluster = script.cluster(folder=tmp_path)
        for namespace, wanted in (("default", name), (name, "web")):
            with pytest.raises(UsageError):
                cluster.get(ROLLOUTS, namespace, wanted, Rollout)
    assert script.asked == []


# --- waiting and trying again ---------------------------------------------------------------------


@pytest.mark.parametrize(("method", "status"), [("GET", 429), ("GET", 503), ("PATCH", 429)])
def test_a_busy_server_is_given_the_time_it_asks_for(
    tmp_path: Path, status: int, method: str
) -> None:
    busy = refuse(status, "busy", Retry_After="3")
    with serving(busy, busy, WEB) as script:
        cluster, naps = resting(script, tmp_path)
        get(cluster) if method == "GET" else cluster.apply(CHANGE)
    assert [asked.method for asked in script.asked] == [method] * 3
    assert naps == [3.0, 3.0]


def test_a_change_is_not_sent_again_when_a_proxy_may_have_lost_the_answer(tmp_path: Path) -> None:
    with serving(refuse(503, "bad day", Retry_After="3"), WEB) as script:
        cluster, naps = resting(script, tmp_path)
        with pytest.raises(ClusterError, match="bad day"):
            cluster.apply(CHANGE)
    assert [asked.method for asked in script.asked] == ["PATCH"]
    assert naps == []


def test_waiting_for_a_busy_server_has_an_end(tmp_path: Path) -> None:
    with serving(refuse(429, "busy", Retry_After="86400")) as script:
        cluster, naps = resting(script, tmp_path)
        with pytest.raises(ClusterError, match="too much to do"):
            get(cluster)
    assert naps == [10.0] * 3
    assert len(script.asked) == 4


def test_the_time_to_come_back_may_be_a_date(tmp_path: Path) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(days=5), usegmt=True)
    with serving(
        refuse(503, "", Retry_After=then), refuse(503, "", Retry_After=past), WEB
    ) as script:
        cluster, naps = resting(script, tmp_path)
        get(cluster)
    assert 3.0 <= naps[0] <= 6.0
    assert naps[1] == 0.0


@pytest.mark.parametrize("text", ["soon", "-1", "", "1.5", "9" * 400])
def test_a_strange_time_to_come_back_does_no_harm(tmp_path: Path, text: str) -> None:
    with serving(refuse(503, "not now", Retry_After=text)) as script:
        cluster, naps = resting(script, tmp_path)
        with pytest.raises(ClusterError, match="not now"):
            get(cluster)
    assert all(nap <= 10.0 for nap in naps)


def test_a_get_is_sent_again_when_the_connection_drops(tmp_path: Path) -> None:
    with serving(drop, cut(b'{"metadata"'), WEB) as script:
        cluster, _ = resting(script, tmp_path)
        assert get(cluster).metadata.name == "web"
    assert len(script.asked) == 3


def test_a_get_is_not_sent_again_for_ever(tmp_path: Path) -> None:
    with serving(drop) as script:
        cluster, _ = resting(script, tmp_path)
        with pytest.raises(Unreachable, match="broke the connection off"):
            get(cluster)
    assert len(script.asked) == 5


@pytest.mark.parametrize("step", [drop, cut(b"{"), silent])
def test_a_change_is_never_sent_twice(tmp_path: Path, step: Step) -> None:
    with serving(step, WEB) as script:
        cluster, _ = resting(script, tmp_path, timeout=0.3)
        with pytest.raises(InDoubt) as caught:
            cluster.apply(CHANGE)
        assert len(script.asked) == 1
    assert "not known" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "doubt"), [(500, False), (502, True), (503, True), (504, True), (400, False)]
)
def test_a_change_is_in_doubt_where_its_answer_may_be_lost(
    tmp_path: Path, status: int, doubt: bool
) -> None:
    with serving(refuse(status, "bad day")) as script:
        cluster, _ = resting(script, tmp_path)
        with pytest.raises(RolloutctlError, match="bad day") as caught:
            cluster.apply(CHANGE)
        assert isinstance(caught.value, InDoubt) is doubt
        with pytest.raises(RolloutctlError) as tried:
            cluster.apply(CHANGE, dry_run=True)
        assert not isinstance(tried.value, InDoubt)


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    with serving(silent) as script:
        cluster, _ = resting(script, tmp_path, timeout=0.2)
        with pytest.raises(Unreachable, match="did not answer in time") as caught:
            get(cluster)
    assert "--request-timeout" in caught.value.hint


# --- refusals -------------------------------------------------------------------------------------


def test_unknown_credentials(tmp_path: Path) -> None:
    with serving(refuse(401, "Unauthorized", "Unauthorized")) as script:
        cluster = script.cluster(folder=tmp_path)
        with pytest.raises(Unauthorized, match="cluster test does not know you"):
            get(cluster)
    assert len(script.asked) == 1


def test_credentials_are_renewed_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")

    def expired(handler: Any) -> None:
        token.write_text("new\n")
        refuse(401, "Unauthorized")(handler)

    with serving(expired, WEB) as script:
        get(script.cluster(folder=tmp_path, user={"tokenFile": "token"}))
    assert [asked.headers["Authorization"] for asked in script.asked] == [
        "Bearer old",
        "Bearer new",
    ]


def test_credentials_that_stay_refused_are_not_renewed_for_ever(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0")

    def expired(handler: Any) -> None:
        token.write_text(str(int(token.read_text()) + 1))
        refuse(401, "Unauthorized")(handler)

    with serving(expired) as script, pytest.raises(Unauthorized):
        get(script.cluster(folder=tmp_path, user={"tokenFile": "token"}))
    assert len(script.asked) == 2


def test_a_missing_right_names_the_rule() -> None:
    said = (
        'rollouts.argoproj.io "web" is forbidden: User "x" cannot patch resource "rollouts/status"'
    )
    error = refused(403, said, target=Target("patch", ROLLOUTS, "shop", "web", "status"))
    assert isinstance(error, Forbidden)
    assert error.message == "cluster prod: not allowed to patch rollouts/status in namespace shop"
    rule = '{apiGroups: ["argoproj.io"], resources: [rollouts/status], verbs: [patch]}'
    assert rule in error.hint
    assert said in error.hint


def test_a_list_of_all_namespaces_forbidden() -> None:
    error = refused(403, "cannot list", target=Target("list", PODS, None))
    assert error.message == "cluster prod: not allowed to list pods in all namespaces"


def test_impersonation_forbidden_is_not_a_matter_of_rollouts() -> None:
    error = refused(403, 'users "ann" is forbidden: User "x" cannot impersonate resource "users"')
    assert "act as another user" in error.message
    assert "rollouts" not in error.hint


def test_a_webhook_that_refuses_is_not_a_missing_right() -> None:
    error = refused(
        403, 'admission webhook "p.example.com" denied the request: frozen until Monday'
    )
    assert isinstance(error, Forbidden)
    assert "frozen until Monday" in error.hint
    assert "apiGroups" not in error.hint


def test_an_object_that_is_not_there() -> None:
    details = {"name": "web", "group": "argoproj.io", "kind": "rollouts"}
    error = refused(404, 'rollouts.argoproj.io "web" not found', details=details)
    assert isinstance(error, NotFound)
    assert error.message == 'no rollout "web" in namespace shop'


def test_a_namespace_that_is_not_there() -> None:
    error = refused(
        404, 'namespaces "shop" not found', details={"name": "shop", "kind": "namespaces"}
    )
    assert isinstance(error, NotFound)
    assert error.message == 'no namespace "shop"'


@pytest.mark.parametrize(
    ("kind", "message"),
    [(ROLLOUTS, "Argo Rollouts is not installed"), (CONFIG_MAPS, "serves no configmaps")],
)
def test_a_resource_that_is_not_served(kind: Kind, message: str) -> None:
    for target in (Target("get", kind, "shop", "web"), Target("list", kind, None)):
        error = failure(404, b"404 page not found\n", target, "prod")
        assert isinstance(error, ClusterError)
        assert message in error.message


def test_a_404_of_something_else_is_not_blamed_on_argo() -> None:
    page = b"<html><body>nginx: 404</body></html>"
    error = failure(404, page, Target("list", ROLLOUTS, None), "prod")
    assert "not as a Kubernetes API does" in error.message


def test_another_change_came_first() -> None:
    target = Target("patch", ROLLOUTS, "shop", "web")
    assert isinstance(refused(409, "has been modified", target=target), Conflict)


def test_a_test_that_did_not_hold_is_a_conflict() -> None:
    target = Target("patch", ROLLOUTS, "shop", "web", "status")
    said = "the server rejected our request due to an error in our request"
    known: list[dict[str, Any] | None] = [{}, None]
    for details in known:
        assert isinstance(refused(422, said, details=details, target=target), Conflict)


def test_a_schema_that_does_not_allow_it_is_a_failure_with_its_cause() -> None:
    causes = [
        {"reason": "FieldValueInvalid", "message": "must be integer", "field": "spec.replicas"}
    ]
    error = refused(
        422,
        'Rollout.argoproj.io "web" is invalid: spec.replicas: must be integer',
        details={"name": "web", "causes": causes},
        target=Target("patch", ROLLOUTS, "shop", "web"),
    )
    assert isinstance(error, Failed)
    assert "spec.replicas: must be integer" in error.message


def test_a_long_complaint_is_cut() -> None:
    assert len(refused(500, "x" * 1_000_000).message) < 1200


def test_a_plain_text_complaint_is_shown() -> None:
    body = b"Client sent an HTTP request to an HTTPS server.\nmore"
    error = failure(400, body, Target("get", ROLLOUTS, "a", "b"), "prod")
    assert "HTTP request to an HTTPS server." in error.message
    assert "more" not in error.message


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with serving(WEB) as other, serving(reply(302, b"", Location=other.url)) as script:
        cluster = script.cluster(folder=tmp_path)
        with pytest.raises(ClusterError, match="points elsewhere"):
            get(cluster)
    assert other.asked == []


@pytest.mark.parametrize(
    "body", [b"<html>log in here</html>", b"", b"\xff\xfe", b"[]", b"null", b"42"]
)
def test_an_answer_that_is_no_object(tmp_path: Path, body: bytes) -> None:
    with serving(reply(200, body, media="text/html")) as script:
        cluster = script.cluster(folder=tmp_path)
        for ask in (
            lambda: get(cluster),
            lambda: cluster.get_raw(ROLLOUTS, "a", "b"),
            lambda: list(cluster.pages(ROLLOUTS, None, Rollout)),
        ):
            with pytest.raises(ClusterError, match="not as a Kubernetes API"):
                ask()


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata": {"name": "\xff"}}',
        b'{"metadata": ',
        b'{"spec": ' + b"[" * 100_000,
        b'{"metadata": []}',
    ],
)
def test_an_object_that_is_malformed(tmp_path: Path, body: bytes) -> None:
    with serving(reply(200, body)) as script:
        cluster = script.cluster(folder=tmp_path)
        with pytest.raises(ClusterError, match="does not have the form"):
            get(cluster)


@given(code=st.integers(300, 599), body=st.binary(max_size=60), patch=st.booleans())
def test_whatever_a_server_refuses_with_is_an_error_of_ours(
    code: int, body: bytes, patch: bool
) -> None:
    target = Target("patch" if patch else "get", ROLLOUTS, "a", "b")
    error = failure(code, body, target, "prod")
    assert isinstance(error, RolloutctlError)
    assert error.message


def test_the_log_of_a_pod(tmp_path: Path) -> None:
    with serving(reply(200, b"one\ntwo\xff\n", media="text/plain")) as script:
        text = script.cluster(folder=tmp_path).pod_log("shop", "web-1", tail=3)
    assert text == "one\ntwo\N{REPLACEMENT CHARACTER}\n"
    assert script.asked[0].path == "/api/v1/namespaces/shop/pods/web-1/log"
    assert script.asked[0].query == {"tailLines": "3"}
