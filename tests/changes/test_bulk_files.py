"""-f: what lists, reports, manifests and plain lines name, and what names nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.cli.filed import Filed, Scope, read
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import UsageError


def scope(action: str = "promote", only: str | None = None, *, everywhere: bool = False) -> Scope:
    return Scope(action, lambda: only or "default", only, everywhere, lambda: "here")


def refs(text: str, **given: Any) -> list[str]:
    return [str(one.ref) for one in read(text, scope(**given)).found]


def refused(text: str, **given: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read(text, scope(**given))
    return caught.value.message


def row(namespace: str, name: str) -> dict[str, Any]:
    kind = {"apiVersion": "rolloutctl/v1", "kind": "RolloutRow"}
    return {**kind, "namespace": namespace, "name": name, "rollout": {"phase": "Paused"}}


def result(name: str, result: str, action: str = "promote", **more: Any) -> dict[str, Any]:
    return {"namespace": "shop", "name": name, "action": action, "result": result, **more}


def manifest(name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, **more}


# --- what is read -------------------------------------------------------------------------------


def test_lines_name_rollouts_with_and_without_their_namespace() -> None:
    text = "# what was left\n\n web \nshop/cart\r\nrollout.argoproj.io/pay\nrollouts/x\n"
    assert refs(text) == ["default/web", "shop/cart", "default/pay", "rollouts/x"]
    assert refs("web\nrollout.argoproj.io/pay", only="shop") == ["shop/web", "shop/pay"]


def test_each_is_named_once_in_the_order_of_the_file() -> None:
    assert refs("b\na\nb\ndefault/a\nc") == ["default/b", "default/a", "default/c"]


@pytest.mark.parametrize("form", ["jsonl", "json", "list", "indented", "yaml", "yaml-list"])
def test_our_lists_in_every_format(form: str) -> None:
    rows = [row("shop", "web"), row("mall", "cart")]
    whole = {"apiVersion": "rolloutctl/v1", "kind": "RolloutList", "items": rows}
    text = {
        "jsonl": "".join(json.dumps(item) + "\n" for item in rows),
        "json": json.dumps(whole, indent=2),
        "list": json.dumps(rows),
        "indented": "\n".join(json.dumps(item, indent=1) for item in rows),
        "yaml": yaml.safe_dump_all(rows, explicit_start=True),
        "yaml-list": yaml.safe_dump(whole, sort_keys=False),
    }[form]
    assert refs(text) == ["shop/web", "mall/cart"]


def test_manifests_and_the_lists_of_kubectl() -> None:
    items = [manifest("web", "shop"), manifest("cart")]
    both = ["shop/web", "default/cart"]
    assert refs(json.dumps({"apiVersion": "v1", "kind": "List", "items": items})) == both
    assert refs("# ours\n---\n" + yaml.safe_dump_all(items) + "---\n") == both
    assert refs(yaml.safe_dump(manifest("web", "shop"))) == ["shop/web"]


def test_lines_and_documents_may_be_mixed() -> None:
    assert refs('web\n{"namespace": "shop", "name": "cart"}\n# x\nshop/pay\n') == [
        "default/web",
        "shop/cart",
        "shop/pay",
    ]


def test_nothing_names_nothing() -> None:
    for text in ("", "\n\n", "# only a word\n", "\ufeff", "[]", '{"items": []}', "---\n"):
        assert read(text, scope()) == Filed([], 0)


# --- reports ------------------------------------------------------------------------------------

OUTCOMES = ["changed", "nothing", "tried", "declined", "failed", "not-done"]


def test_of_a_report_of_the_same_command_what_is_done_is_left_out() -> None:
    lines = "\n".join(json.dumps(result(did, did)) for did in OUTCOMES)
    found = read(lines, scope())
    assert [one.ref.name for one in found.found] == ["tried", "declined", "failed", "not-done"]
    assert found.done == 2
    full = read(lines.replace('"promote"', '"promote-full"'), scope())
    assert full.done == 2


def test_of_a_report_of_another_command_all_are_taken() -> None:
    whole = {"kind": "Changes", "apiVersion": "rolloutctl/v1", "action": "promote"}
    entries = [{**result(did, did), "action": None} for did in OUTCOMES]
    text = json.dumps({**whole, "results": entries})
    assert [one.ref.name for one in read(text, scope("abort")).found] == OUTCOMES
    assert read(text, scope("promote")).done == 2


def test_done_once_is_done_also_when_a_line_says_otherwise() -> None:
    lines = [json.dumps(result("web", "not-done")), json.dumps(result("web", "changed"))]
    for text in ("\n".join(lines), "\n".join(reversed(lines))):
        found = read(text, scope())
        assert found.found == [] and found.done == 1


def test_what_is_not_known_is_tried_only_while_all_is_as_it_was() -> None:
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "replace", "path": "/status/currentStepIndex", "value": 3},
    ]
    entry = result("web", "unknown", patches=[{"subresource": "status", "operations": operations}])
    (one,) = read(json.dumps(entry), scope()).found
    assert one.tests == (operations[0],)
    assert "not known" in refused(json.dumps(result("web", "unknown")))


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("web\n\nWEB\n", 'line 3: "WEB" cannot be the name of a rollout'),
        ("shop/web/more", 'line 1: "shop/web" cannot be the name of a namespace'),
        ("..", 'line 1: ".." cannot be the name'),
        ("../web", 'line 1: ".." cannot be the name of a namespace'),
        ('web\n{"namespace": "shop",\n "name": oops}\n', "line 3: no JSON"),
        ('{"namespace": "shop"}', "line 1: this names no rollout"),
        ('["web", 3]', "line 1, entry 2: this names no rollout"),
        ('{"items": [{"name": "a"}, {"name": 7}]}', "line 1, entry 2: this names no rollout"),
        ('{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}}', "a Pod is no rollout"),
        ("kind: Deployment\nmetadata: {name: x}\n", "document 1: a Deployment is no rollout"),
        ("a: b\n c: [\n", "no YAML"),
        ('{"namespace": "shop", "name": "web", "result": "odd"}', '"odd" is no result'),
        ('{"namespace": 3, "name": "web"}', "this names no rollout"),
        ("[" * 100_000, "line 1: "),
        ('{"cluster": "there", "namespace": "shop", "name": "web"}', "this rollout is of there"),
    ],
)
def test_what_names_no_rollout_is_refused_with_its_place(text: str, says: str) -> None:
    assert says in refused(text)


def test_a_plain_name_needs_a_namespace() -> None:
    assert "-A stands for all" in refused("web", everywhere=True)
    assert refs("shop/web", everywhere=True) == ["shop/web"]


def test_another_namespace_than_the_one_asked_for_is_refused() -> None:
    assert refused("shop/web\nmall/web", only="shop") == "line 2: mall/web is not in namespace shop"


def test_the_same_cluster_is_fine() -> None:
    assert refs('{"cluster": "here", "namespace": "shop", "name": "web"}') == ["shop/web"]


@given(st.text(max_size=200) | st.text(alphabet='{}[]":,-# \n\tab/.0', max_size=60))
def test_whatever_is_read_names_rollouts_or_is_refused(text: str) -> None:
    try:
        found = read(text, scope()).found
    except UsageError:
        return
    for one in found:
        assert one.ref == Ref(one.ref.namespace, one.ref.name.lower())
        assert not {"/", "\n", " "} & set(one.ref.name + one.ref.namespace)
