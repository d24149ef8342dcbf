"""Each change leaves an Event on the object that says who made it, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rolloutctl.actions import auditing
from rolloutctl.domain.audit import Audit, Regarding, audit_of, event
from rolloutctl.domain.cluster import EVENTS, Kind
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Event
from rolloutctl.errors import ClusterError, Conflict, ExitCode, Forbidden, RolloutctlError
from support.changing_cluster import ChangingCluster
from support.fleet_cluster import Fleet, fleet
from support.program import Program

WEB = Regarding("argoproj.io/v1alpha1", "Rollout", Ref("shop", "web"), "uid-web")
NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


class Unwilling(Fleet):
    """Refuses Events."""

    def __init__(self, *names: str, error: RolloutctlError) -> None:
        super().__init__(fleet(*names).objects)
        self.error = error
        self.asked = 0

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        if kind.plural == "events":
            self.asked += 1
            raise self.error
        return super().create(kind, namespace, obj, dry_run=dry_run)


@pytest.fixture
def cluster(rolloutctl: Program) -> Fleet:
    found = fleet("shop/web", "shop/pay")
    rolloutctl.cluster = found
    return found


def test_what_an_event_says_is_read_back() -> None:
    said = Audit("promote", "ann", "INC-1", "step 2/4 (pause)", "step 3/4 (setWeight 80)")
    found = event(WEB, said, now=NOW)
    assert found["message"] == (
        "promote by ann: step 2/4 (pause) to step 3/4 (setWeight 80) (reason: INC-1)"
    )
    assert found["reason"] == "RolloutctlPromote"
    read = msgspec.convert(found, Event)
    back = audit_of(msgspec.structs.replace(read, last_timestamp=NOW))
    assert back == msgspec.structs.replace(said, at=NOW)


def test_an_event_of_somebody_else_is_none_of_ours() -> None:
    assert audit_of(Event(reason="RolloutAborted", message="promote by ann")) is None


def test_a_long_reason_is_cut_to_what_the_api_takes() -> None:
    found = event(WEB, Audit("abort", reason="x" * 5000), now=NOW)
    assert len(found["message"]) == 1000
    wide = event(WEB, Audit("abort", reason="é" * 5000), now=NOW)["message"]
    assert 990 < len(wide.encode()) <= 1000
    assert found["metadata"]["annotations"]["rolloutctl/reason"] == "x" * 5000


def test_a_change_says_who_made_it_and_why(rolloutctl: Program, cluster: Fleet) -> None:
    done = rolloutctl("promote", "web", "--reason", "CHG-7")
    assert done.exit_code is ExitCode.OK
    assert cluster.events == [
        "promote by ann@example: step 2/4 (pause) to step 3/4 (setWeight 80) (reason: CHG-7)"
    ]
    ((_, obj),) = cluster.created
    assert obj["involvedObject"]["uid"] == cluster.rollout_of("web")["metadata"]["uid"]


@pytest.mark.parametrize("option", ["--record=false", "--no-record", "--dry-run"])
def test_none_is_left_where_none_is_wanted(
    rolloutctl: Program, cluster: Fleet, option: str
) -> None:
    assert rolloutctl("promote", "web", option).exit_code is ExitCode.OK
    assert cluster.created == []


def test_each_of_many_has_its_own(rolloutctl: Program, cluster: Fleet) -> None:
    assert rolloutctl("abort", "-l", "team=a", "--yes").exit_code is ExitCode.OK
    assert sorted(obj["involvedObject"]["name"] for _, obj in cluster.created) == ["pay", "web"]


def test_nothing_is_recorded_of_what_was_not_done(rolloutctl: Program, cluster: Fleet) -> None:
    assert rolloutctl("resume", "web").exit_code is ExitCode.CONFLICT
    assert cluster.created == []


def test_the_change_stands_where_events_are_forbidden(rolloutctl: Program) -> None:
    cluster = Unwilling("shop/web", "shop/pay", error=Forbidden("not allowed to create events"))
    rolloutctl.cluster = cluster
    done = rolloutctl("promote", "web", "pay")
    assert done.exit_code is ExitCode.OK
    assert done.stderr.count("no Event says who did this: not allowed to create events") == 1
    assert cluster.asked == 1


def test_one_namespace_without_the_right_does_not_silence_the_others(
    rolloutctl: Program,
) -> None:
    class Partly(Fleet):
        def create(self, kind: Kind, namespace: str, *args: Any, **more: Any) -> bytes:
            if kind == EVENTS and namespace == "shop":
                raise Forbidden("not allowed to create events in namespace shop")
            return super().create(kind, namespace, *args, **more)

    cluster = Partly(fleet("shop/web", "shop/pay", "team/cart", "team/login").objects)
    rolloutctl.cluster = cluster
    done = rolloutctl("abort", "-A", "--phase", "Paused", "--yes", "--max-concurrent", "1")
    assert done.exit_code is ExitCode.OK
    assert sorted(obj["involvedObject"]["name"] for _, obj in cluster.created) == ["cart", "login"]
    assert done.stderr.count("not allowed to create events in namespace shop") == 1


def test_two_events_of_one_moment_have_two_names(cluster: Fleet) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    taken: set[str] = set()

    class Strict(Fleet):
        def create(self, kind: Kind, namespace: str, obj: Mapping[str, Any], **more: Any) -> bytes:
            if kind == EVENTS:
                if obj["metadata"]["name"] in taken:
                    raise Conflict("it exists already")
                taken.add(obj["metadata"]["name"])
            return super().create(kind, namespace, obj, **more)

    recorder = auditing.Recorder(Strict({}), clock=lambda: moment)
    for _ in range(3):
        recorder.record(WEB, "abort")
    assert recorder.problem is None and len(taken) == 3


def test_a_fault_of_our_own_leaves_the_change_done(
    rolloutctl: Program, cluster: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(auditing, "event", broken)
    done = rolloutctl("promote", "web")
    assert done.exit_code is ExitCode.OK
    assert "no Event says who did this: UnicodeEncodeError" in done.stderr


def test_a_reason_that_is_no_utf_8_can_be_sent() -> None:
    found = event(WEB, Audit("abort", reason="b\udcffd"), now=NOW)
    assert json.dumps(found, ensure_ascii=False).encode()
    assert found["metadata"]["annotations"]["rolloutctl/reason"] == "b?d"


def test_the_name_of_an_event_is_a_dns_name_however_long_that_of_the_rollout() -> None:
    long = Regarding("v1", "Rollout", Ref("shop", "a" * 199 + "-" + "b" * 53), "uid")
    name = event(long, Audit("abort"), now=NOW)["metadata"]["name"]
    assert len(name) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


class Interrupting(ChangingCluster):
    """Somebody presses Ctrl-C while an Event is being written."""

    def create(self, kind: Kind, namespace: str, obj: Mapping[str, Any], **more: Any) -> bytes:
        if kind == EVENTS:
            raise KeyboardInterrupt
        return super().create(kind, namespace, obj, **more)


def test_a_run_that_was_ended_is_told_before_its_event_is_written(rolloutctl: Program) -> None:
    run = {
        "kind": "AnalysisRun",
        "metadata": {"name": "smoke", "namespace": "shop", "uid": "u"},
        "spec": {"metrics": []},
        "status": {"phase": "Running"},
    }
    rolloutctl.cluster = Interrupting({"analysisruns": [run]}, namespace="shop")
    done = rolloutctl("terminate", "ar", "smoke")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert done.stdout == "analysisrun smoke: is being terminated\n"


def test_what_was_created_is_told_before_its_event_is_written(
    rolloutctl: Program, tmp_path: Path
) -> None:
    run = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "smoke"},
        "spec": {"metrics": [{"name": "up", "provider": {"web": {"url": "http://web.shop"}}}]},
    }
    file = tmp_path / "run.json"
    file.write_text(json.dumps(run))
    rolloutctl.cluster = Interrupting({}, namespace="shop")
    done = rolloutctl("create", "-f", str(file), "--validate", "ignore")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "smoke" in done.stdout


def test_namespaces_that_stay_without_events_are_named(rolloutctl: Program) -> None:
    rolloutctl.cluster = Unwilling("shop/web", "team/pay", error=Forbidden("not allowed"))
    done = rolloutctl("abort", "-A", "--phase", "Paused", "--yes")
    assert done.exit_code is ExitCode.OK
    assert "no Event says who did this (shop, team): not allowed" in done.stderr


def test_an_event_that_fails_is_told_once(rolloutctl: Program) -> None:
    cluster = Unwilling("shop/web", "shop/pay", error=ClusterError("etcd is full"))
    rolloutctl.cluster = cluster
    done = rolloutctl("promote", "web", "pay")
    assert done.exit_code is ExitCode.OK
    assert done.stderr.count("no Event says who did this: etcd is full") == 1


def test_an_older_server_that_does_not_know_the_caller(cluster: Fleet) -> None:
    class Older(Fleet):
        def create(self, kind: Kind, *args: Any, **more: Any) -> bytes:
            raise ClusterError(f"cluster test serves no {kind.plural}")

    assert auditing.caller(Older({})) == ""
    assert auditing.caller(cluster) == "ann@example"


def test_what_is_not_known_is_left_out() -> None:
    found = event(WEB, Audit("abort"), now=NOW)
    assert found["metadata"]["annotations"] == {"rolloutctl/action": "abort"}
    assert found["message"] == "abort"
