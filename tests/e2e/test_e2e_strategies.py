"""The strategies besides a plain canary, acted on with the installed tool as an on-call person."""

from __future__ import annotations

from typing import Any

import pytest

from support.shell import Shell, manifest

pytestmark = pytest.mark.e2e


def service(name: str, app: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], "selector": {"app": app}},
    }


def causes(shell: Shell, name: str) -> list[str]:
    facts = shell.rolloutctl("explain", name, "-o", "json").json
    return [item["kind"] for item in facts["causes"]]


def revisions(shell: Shell, name: str) -> dict[str, int]:
    """Revision by role, as `get` tells it."""
    facts = shell.facts(name)
    return {role: item["revision"] for item in facts["revisions"] for role in item["roles"]}


def test_blue_green_is_promoted_and_the_next_one_aborted(shell: Shell) -> None:
    switch: dict[str, Any] = {"activeService": "web", "previewService": "web-preview"}
    switch["autoPromotionEnabled"] = False
    for name in ("web", "web-preview"):
        shell.load(
            service(name, "web") | {"metadata": {"name": name, "namespace": shell.namespace}}
        )
    shell.load(manifest(shell.namespace, "web", strategy={"blueGreen": switch}))
    assert shell.rolloutctl("status", "web", "--wait", "--timeout", "30s").code == 0
    shell.ship("web", "v2")
    shell.until("web", "awaiting")
    assert causes(shell, "web")[0] == "preview-for-person"
    done = shell.rolloutctl("promote", "web", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    assert revisions(shell, "web")["active"] == 2
    shell.ship("web", "v3")
    shell.until("web", "awaiting")
    done = shell.rolloutctl("abort", "web", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    assert revisions(shell, "web")["active"] == 2
    assert causes(shell, "web")[0] == "aborted-by-person"
    assert shell.rolloutctl("status", "web").code == 1


def test_a_job_metric_that_fails_aborts_what_the_router_sends(shell: Shell) -> None:
    route = [{"destination": {"host": name}, "weight": w} for name, w in (("s", 100), ("c", 0))]
    here = {"namespace": shell.namespace}
    pods = {"restartPolicy": "Never", "containers": [{"name": "check", "image": "check:fail"}]}
    job = {"spec": {"backoffLimit": 0, "template": {"spec": pods}}}
    template = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "smoke", **here},
        "spec": {"metrics": [{"name": "smoke", "provider": {"job": job}}]},
    }
    virtual = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "web", **here},
        "spec": {"hosts": ["web"], "http": [{"name": "primary", "route": route}]},
    }
    for name in ("s", "c"):
        shell.load(service(name, "web") | {"metadata": {"name": name, **here}})
    shell.load(template)
    shell.load(virtual)
    canary = {
        "stableService": "s",
        "canaryService": "c",
        "trafficRouting": {"istio": {"virtualService": {"name": "web", "routes": ["primary"]}}},
        "steps": [
            {"setWeight": 30},
            {"pause": {}},
            {"analysis": {"templates": [{"templateName": "smoke"}]}},
        ],
    }
    shell.load(manifest(shell.namespace, "web", strategy={"canary": canary}))
    assert shell.rolloutctl("status", "web", "--wait", "--timeout", "30s").code == 0
    shell.ship("web", "v2")
    shell.until("web", "awaiting")
    assert shell.facts("web")["rollout"]["weights"]["set"] == 30
    done = shell.rolloutctl("promote", "web", "--wait", "--timeout", "30s")
    assert done.code == 1, done.stdout + done.stderr
    assert causes(shell, "web")[0] == "analysis-failed"
    facts = shell.facts("web")
    assert facts["rollout"]["aborted"] and facts["rollout"]["failedStep"] == 3
