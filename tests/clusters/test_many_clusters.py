"""Commands that read from several clusters, and those that refuse to."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC, datetime

import pytest

from rolloutctl.errors import ExitCode, Unauthorized, Unreachable
from rolloutctl.kube.config import Context
from support.clusters import Clusters, Dead, Slow, cluster, rollout
from support.fake_cluster import FakeCluster
from support.program import Result

DEAD = Unreachable("https://10.0.0.1 does not answer", hint="is the VPN up?")


def two() -> Clusters:
    return Clusters({"prod": cluster("checkout", "search"), "stage": cluster("web", namespace="w")})


def cells(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


# --- list ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "get"])
@pytest.mark.parametrize(
    "options",
    [
        ("--all-contexts",),
        ("--context", "prod,stage"),
        ("--context", "prod", "--context", "stage"),
        ("--context", "prod, stage,prod,"),
    ],
)
def test_a_table_has_a_column_for_the_cluster(command: str, options: tuple[str, ...]) -> None:
    result = two()(command, *options)
    assert result.exit_code == ExitCode.OK
    assert [row[:4] for row in cells(result)] == [
        ["CLUSTER", "NAMESPACE", "NAME", "STATUS"],
        ["prod", "shop", "checkout", "Healthy"],
        ["prod", "shop", "search", "Healthy"],
        ["stage", "w", "web", "Healthy"],
    ]
    assert result.stderr == ""


def test_one_context_looks_as_ever() -> None:
    named = two()("list", "--context", "prod")
    assert cells(named)[0][:2] == ["NAME", "STATUS"]
    assert named.stdout == two()("list").stdout


def test_the_order_is_that_of_the_options() -> None:
    result = two()("list", "--context", "stage,prod")
    assert [row[0] for row in cells(result)] == ["CLUSTER", "stage", "prod", "prod"]


def test_columns_stay_aligned_where_a_later_name_is_longer() -> None:
    many = Clusters(
        {
            "a": FakeCluster({"rollouts": [rollout(f"r{n:03}") for n in range(300)]}),
            "a-very-long-name": cluster("x"),
        }
    )
    lines = many("list", "--all-contexts").stdout.splitlines()
    assert len({line.index("Healthy") for line in lines[1:]}) == 1


def test_documents_name_the_cluster() -> None:
    result = two()("list", "--all-contexts", "-o", "jsonl")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["cluster"], each["name"]) for each in found] == [
        ("prod", "checkout"),
        ("prod", "search"),
        ("stage", "web"),
    ]
    assert list(found[0])[:3] == ["apiVersion", "kind", "cluster"]
    assert "cluster" not in json.loads(two()("list", "-o", "json").stdout)["items"][0]


def test_the_longest_wait_is_first_among_all() -> None:
    def waiting(name: str, since: str) -> dict[str, object]:
        found = rollout(name, phase="Paused")
        found["spec"]["strategy"]["canary"]["steps"] = [{"pause": {}}]
        found["status"] |= {
            "currentStepIndex": 0,
            "controllerPause": True,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": since}],
        }
        return found

    many = Clusters(
        {
            "a": FakeCluster({"rollouts": [waiting("young", "2026-11-22T14:00:00Z")]}),
            "b": FakeCluster({"rollouts": [waiting("old", "2026-11-20T14:00:00Z")]}),
        }
    )
    result = many("list", "--awaiting", "--all-contexts", "-n", "shop")
    assert [row[:2] for row in cells(result)[1:]] == [["b", "old"], ["a", "young"]]


def test_a_dead_cluster_is_told_below_and_keeps_nobody_back() -> None:
    many = Clusters({"gone": Dead(DEAD), "prod": cluster("checkout")})
    result = many("list", "--all-contexts")
    assert [row[0] for row in cells(result)] == ["CLUSTER", "prod"]
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.splitlines() == [
        "✗ gone: https://10.0.0.1 does not answer",
        "  is the VPN up?",
    ]


def test_a_context_that_cannot_be_opened_is_a_dead_cluster() -> None:
    many = Clusters({"prod": cluster("checkout"), "broken": Unreachable("no such CA file")})
    result = many("list", "--all-contexts", "-o", "json")
    assert [item["cluster"] for item in json.loads(result.stdout)["items"]] == ["prod"]
    assert result.exit_code == ExitCode.FAILED
    assert "broken: no such CA file" in result.stderr


@pytest.mark.parametrize("output", [(), ("-o", "json"), ("-o", "yaml"), ("-o", "jsonl")])
def test_all_are_dead(output: tuple[str, ...]) -> None:
    many = Clusters({"a": Dead(DEAD), "b": Dead(Unauthorized("who are you?"))})
    result = many("list", "--all-contexts", *output)
    assert result.exit_code == ExitCode.CLUSTER
    assert result.stdout == ""
    assert [line for line in result.stderr.splitlines() if line.startswith("✗")] == [
        "✗ a: https://10.0.0.1 does not answer",
        "✗ b: who are you?",
        "✗ none of the 2 clusters could be read",
    ]


def test_one_forbids_it() -> None:
    closed = cluster("secret", forbidden=["rollouts"])
    result = Clusters({"prod": cluster("checkout"), "closed": closed})("list", "--all-contexts")
    assert result.exit_code == ExitCode.FAILED
    assert "✗ closed: not allowed to list rollouts" in result.stderr
    assert "ask for: {verbs: [list]}" in result.stderr


def test_a_slow_cluster_is_waited_for_while_the_others_are_read() -> None:
    slow, prod = Slow("late"), Slow("checkout")
    many = Clusters({"slow": slow, "prod": prod})
    results: list[Result] = []
    thread = threading.Thread(
        target=lambda: results.append(many("list", "--all-contexts")), daemon=True
    )
    thread.start()
    assert slow.asked.wait(30)
    assert prod.asked.wait(30)
    prod.go.set()
    slow.go.set()
    thread.join(30)
    assert [row[0] for row in cells(results[0])] == ["CLUSTER", "slow", "prod"]


def test_nothing_is_found_anywhere() -> None:
    result = Clusters({"a": cluster(), "b": cluster()})("list", "--all-contexts", "-A")
    assert result.stderr == "no rollouts in any namespace of 2 clusters\n"


def test_unreadable_objects_say_where_they_are() -> None:
    bad = rollout("bad")
    bad["spec"]["replicas"] = "many"
    many = Clusters({"a": cluster("x"), "b": FakeCluster({"rollouts": [bad]})})
    result = many("list", "--all-contexts")
    assert result.exit_code == ExitCode.FAILED
    assert "b: shop/bad is not readable" in result.stderr


# --- which contexts -----------------------------------------------------------------------------


def test_a_name_with_a_comma_in_it() -> None:
    many = Clusters({"a,b": cluster("odd"), "a": cluster("x"), "b": cluster("y")})
    assert cells(many("list", "--context", "a,b"))[1][0] == "odd"
    both = cells(many("list", "--context", "a,b", "--context", "a"))
    assert [row[0] for row in both] == ["CLUSTER", "a,b", "a"]


def test_a_mistyped_name_is_said_before_anything_is_read() -> None:
    prod = cluster("checkout")
    for options in (["--context", "prod,stag"], ["--context", "prod", "--context", "stag"]):
        result = Clusters({"prod": prod})("list", *options)
        assert result.exit_code == ExitCode.CLUSTER
        assert 'no context "stag"' in result.stderr
        assert "did you mean" in result.stderr
    assert prod.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--all-contexts", "--context", "prod"], "do not go together"),
        (["--context", " , "], "names no context"),
    ],
)
def test_options_that_say_nothing_or_too_much(options: list[str], said: str) -> None:
    result = two()("list", *options)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr


def test_contexts_that_lead_to_the_same_are_read_once() -> None:
    known = [
        Context("shop", "https://api", "me", "shop"),
        Context("web", "https://api", "me", "web"),
        Context("admin", "https://api", "root", "shop"),
    ]
    places = {context.name: cluster("x") for context in known}
    many = Clusters(places, contexts=known)
    everywhere = many("list", "--all-contexts", "-A")
    assert [row[0] for row in cells(everywhere)] == ["CLUSTER", "shop", "admin"]
    assert everywhere.stderr == "read once, being the same: web (as shop)\n"
    own = many("list", "--all-contexts")
    assert sorted({row[0] for row in cells(own)}) == ["CLUSTER", "admin", "shop", "web"]
    asked = many("list", "--context", "shop,web", "-A")
    assert [row[0] for row in cells(asked)] == ["CLUSTER", "shop", "web"]


HOSTILE = "evil\x1b[31m\nline\u202e" + "x" * 400


def test_a_context_with_a_hostile_name() -> None:
    many = Clusters({"prod": cluster("checkout"), HOSTILE: Dead(DEAD), "b": cluster("c")})
    many.known.append(Context(HOSTILE + "2"))
    many.by_context[HOSTILE + "2"] = cluster("checkout")
    for argv in (["list"], ["get", "checkout"], ["status", "checkout"], ["explain", "checkout"]):
        result = many(*argv, "--all-contexts")
        for text in (result.stdout, result.stderr):
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "\nline" not in text
    for output in ("json", "jsonl", "yaml"):
        assert "\x1b" not in many("list", "--all-contexts", "-o", output).stdout
    found = json.loads(many("list", "--all-contexts", "-o", "json").stdout)
    assert found["items"][-1]["cluster"] == HOSTILE + "2"


ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/"


def test_long_names_that_begin_alike_are_short_on_a_narrow_terminal() -> None:
    places = {ARN + "prod": cluster("a"), ARN + "stage": cluster("b")}
    narrow = Clusters(places, terminal=True, columns=100)("list", "--all-contexts", "--no-color")
    assert [row[0] for row in cells(narrow)] == ["CLUSTER", "…prod", "…stage"]
    wide = Clusters(places, terminal=True, columns=300)("list", "--all-contexts", "--no-color")
    assert cells(wide)[1][0] == ARN + "prod"
    piped = Clusters(places)("list", "--all-contexts")
    assert cells(piped)[1][0] == ARN + "prod"


# --- one object ---------------------------------------------------------------------------------


def test_get_shows_a_picture_for_each_cluster_that_has_it() -> None:
    many = Clusters({"a": cluster("checkout"), "b": cluster("web"), "c": cluster("checkout")})
    result = many("get", "checkout", "--all-contexts")
    assert [line for line in result.stdout.splitlines() if line.startswith("CLUSTER")] == [
        "CLUSTER  a",
        "CLUSTER  c",
    ]
    assert result.stderr == "checkout is not in b\n"
    assert result.exit_code == ExitCode.OK


@pytest.mark.parametrize("command", ["get", "status", "explain"])
def test_what_is_nowhere(command: str) -> None:
    many = Clusters({"a": cluster("checkout"), "b": cluster("web")})
    result = many(command, "chekout", "--all-contexts")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "✗ chekout is in none of the 2 clusters that answered" in result.stderr
    assert "a: did you mean checkout?" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["get", "status", "explain"])
def test_whether_it_is_nowhere_is_not_known_while_one_is_dead(command: str) -> None:
    result = Clusters({"a": cluster("x"), "b": Dead(DEAD)})(command, "checkout", "--all-contexts")
    assert result.exit_code == ExitCode.FAILED
    assert 'a: no rollout "checkout"' in result.stderr
    assert "b: https://10.0.0.1" in result.stderr


def test_several_names_in_several_clusters() -> None:
    many = Clusters({"a": cluster("x", "y"), "b": cluster("x")})
    result = many("get", "x", "y", "ro/x", "z", "--all-contexts", "-o", "json")
    found = [(item["cluster"], item["name"]) for item in json.loads(result.stdout)["items"]]
    assert found == [("a", "x"), ("a", "y"), ("b", "x")]
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "y is not in b" in result.stderr
    assert "z is in none of the 2 clusters" in result.stderr


def test_status_has_a_line_for_each_and_the_worst_decides() -> None:
    sick = FakeCluster({"rollouts": [rollout("checkout", phase="Degraded")]})
    many = Clusters({"a": sick, "b": cluster("checkout")})
    result = many("status", "checkout", "--all-contexts")
    assert result.stdout.splitlines() == ["a  Degraded", "b  Healthy"]
    assert result.exit_code == ExitCode.FAILED
    rows = json.loads(many("status", "checkout", "--all-contexts", "-o", "json").stdout)["items"]
    assert [(row["cluster"], row["rollout"]["phase"]) for row in rows] == [
        ("a", "Degraded"),
        ("b", "Healthy"),
    ]


def test_explain_has_a_page_for_each() -> None:
    many = Clusters({"a": cluster("checkout"), "b": cluster("checkout")})
    result = many("explain", "checkout", "--all-contexts")
    assert [line for line in result.stdout.splitlines() if "CLUSTER" in line] == [
        "CLUSTER  a",
        "CLUSTER  b",
    ]
    documents = json.loads(many("explain", "checkout", "--all-contexts", "-o", "json").stdout)
    assert documents["kind"] == "ExplanationList"
    assert [each["cluster"] for each in documents["items"]] == ["a", "b"]


def test_each_context_has_its_own_namespace() -> None:
    many = Clusters({"a": cluster("web", namespace="x"), "b": cluster("web", namespace="y")})
    found = json.loads(many("get", "web", "--all-contexts", "-o", "json").stdout)["items"]
    assert [item["namespace"] for item in found] == ["x", "y"]
    named = many("get", "web", "--all-contexts", "-n", "x", "-o", "json")
    assert [item["cluster"] for item in json.loads(named.stdout)["items"]] == ["a"]


# --- plugins ------------------------------------------------------------------------------------


def configured(*names: str) -> FakeCluster:
    listed = "".join(f"- name: {name}\n  location: file:///{name}\n" for name in names)
    config = {
        "metadata": {"name": "argo-rollouts-config", "namespace": "argo-rollouts"},
        "data": {"stepPlugins": listed},
    }
    return FakeCluster({"configmaps": [config]})


def test_plugins_of_each_cluster() -> None:
    many = Clusters({"a": configured("x/one", "x/two"), "b": configured("x/one"), "c": Dead(DEAD)})
    result = many("plugins", "list", "--all-contexts")
    assert result.exit_code == ExitCode.FAILED
    headings = [line for line in result.stdout.splitlines() if line.startswith("CLUSTER")]
    assert headings == ["CLUSTER  a", "CLUSTER  b"]
    lists = json.loads(many("plugins", "list", "--all-contexts", "-o", "json").stdout)["items"]
    assert [(each["cluster"], len(each["items"])) for each in lists] == [("a", 2), ("b", 1)]
    lines = many("plugins", "list", "--all-contexts", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["cluster"] for line in lines] == ["a", "a", "b"]


def test_a_plugin_that_only_some_have() -> None:
    many = Clusters({"a": configured("x/one"), "b": configured("x/two")})
    result = many("plugins", "show", "x/two", "--all-contexts")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith("CLUSTER  b\nx/two")
    assert "x/two is not in a" in result.stderr
    nowhere = many("plugins", "status", "x/three", "--all-contexts")
    assert nowhere.exit_code == ExitCode.NOT_FOUND
    idle = many("plugins", "status", "--all-contexts")
    assert idle.stdout.count("no run of any step plugin is in flight or failing") == 2


# --- what takes one cluster ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ("promote", "checkout"),
        ("promote", "--selector", "app=x", "--yes"),
        ("abort", "checkout", "--yes"),
        ("retry", "checkout"),
        ("pause", "checkout"),
        ("resume", "checkout"),
        ("restart", "checkout"),
        ("undo", "checkout"),
        ("plan", "checkout"),
        ("watch", "checkout"),
        ("plugins", "enable", "x/one"),
        ("plugins", "disable", "x/one", "--reason", "x"),
        ("demo",),
        ("sandbox", "up"),
        ("sandbox", "load", "demo"),
    ],
)
@pytest.mark.parametrize("options", [("--all-contexts",), ("--context", "prod,stage")])
def test_what_changes_or_follows_takes_one(argv: tuple[str, ...], options: tuple[str, ...]) -> None:
    many = two()
    for line in ((*argv, *options), (*options, *argv)):
        result = many(*line)
        assert result.exit_code == ExitCode.USAGE
        assert "takes one cluster at a time, and 2 contexts are meant" in result.stderr
        assert result.stdout == ""
    assert many.opened == []


@pytest.mark.parametrize(
    "argv",
    [
        ("get", "checkout", "-w"),
        ("get", "checkout", "-o", "json", "--raw"),
        ("get", "-o", "json", "--raw"),
        ("status", "checkout", "--wait"),
    ],
)
def test_what_takes_one_of_the_commands_that_take_many(argv: tuple[str, ...]) -> None:
    many = two()
    result = many(*argv, "--all-contexts")
    assert result.exit_code == ExitCode.USAGE
    assert "takes one cluster at a time" in result.stderr
    assert many.opened == []


@pytest.mark.parametrize(
    "argv", [("list",), ("get",), ("get", "x"), ("status", "x"), ("plugins", "list")]
)
def test_names_alone_are_not_printed_of_several(argv: tuple[str, ...]) -> None:
    result = two()(*argv, "--all-contexts", "-o", "name")
    assert result.exit_code == ExitCode.USAGE
    assert "does not say which cluster" in result.stderr


def test_ages_are_by_the_clock_of_each_cluster() -> None:
    def changed(skew: float) -> FakeCluster:
        found = rollout("checkout", phase="Degraded")
        at = {
            "lastTransitionTime": "2026-11-22T14:00:00Z",
            "lastUpdateTime": "2026-11-22T14:00:00Z",
        }
        found["status"]["conditions"] = [{"type": "Progressing", "status": "False", **at}]
        made = FakeCluster({"rollouts": [found]})
        made.skew = skew
        return made

    now = datetime(2026, 11, 22, 15, 10, tzinfo=UTC)
    many = Clusters({"same": changed(0.4), "behind": changed(3600.0)}, now=now)
    lines = many("status", "checkout", "--all-contexts").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["1h10m", "10m"]


# --- interrupted --------------------------------------------------------------------------------


def test_an_interrupt_ends_it_at_once() -> None:
    slow = Slow("late")
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def interrupt() -> None:
        assert slow.asked.wait(30)
        signal.pthread_kill(main_thread, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    result = Clusters({"slow": slow, "prod": cluster("x")})("list", "--all-contexts")
    slow.go.set()
    assert result.exit_code == ExitCode.INTERRUPTED
