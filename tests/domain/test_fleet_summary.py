"""What is said of a fleet adds up, and causes that are alike are one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace

from rolloutctl.domain.fleet.causes import Cause, Why, alike, is_aborted, why
from rolloutctl.domain.fleet.entry import Entry, EntryRun, entry
from rolloutctl.domain.fleet.summary import Counts, Summary
from rolloutctl.domain.fleet.tally import Tally, summarise
from rolloutctl.domain.plugin_config import parse
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting
from rolloutctl.domain.tree import RolloutRow
from support.recorded_states import STORIES, states

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ABORTED = "RolloutAborted: Rollout aborted update to revision 2"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def one(name: str = "web", phase: str = "Healthy", **facts: Any) -> Entry:
    """An entry; a fact goes where it belongs, into the row or beside it."""
    beside = {key: facts.pop(key) for key in list(facts) if key in Entry.__struct_fields__}
    row = RolloutRow(
        ref=Ref(facts.pop("namespace", "shop"), name),
        phase=phase,
        message=facts.pop("message", ""),
        since=facts.pop("since", ago(hours=1)),
        step_index=None,
        step_count=0,
        step=None,
        plugin_phase="",
        weight=None,
        ready=1,
        desired=1,
        images_from=(),
        images_to=(),
        strategy=facts.pop("strategy", "canary"),
        awaiting=facts.pop("awaiting", None),
        revision=1,
    )
    return Entry(row=replace(row, **facts), **beside)


def aborted(name: str, cause: str = "", at: datetime | None = None, **facts: Any) -> Entry:
    facts = {"aborted": True, "message": ABORTED, "aborted_at": at or ago(hours=1), **facts}
    return one(name, "Degraded", cause=cause, **facts)


# --- causes -------------------------------------------------------------------------------------

RECORDED = {
    "plugin-failed-aborts": Why(Cause.PLUGIN, "step/e2e-test"),
    "analysis-step-failure": Why(Cause.METRIC, "success-rate", "Failed"),
    "invalid-spec": Why(
        Cause.INVALID_SPEC,
        text='spec.strategy.steps[…]: Invalid value: "step.Experiment: false step.Pause: true'
        ' step.SetWeight: true step.Analysis: false": Step must have one of the following set:'
        " experiment, setWeight, setCanaryScale, plugin or pause",
    ),
    "canary-bad-image-deadline": Why(Cause.DEADLINE),
    "plugin-running-abort": Why(Cause.PERSON),
}


@pytest.mark.parametrize("story", RECORDED)
def test_the_cause_of_a_recorded_rollout(story: str) -> None:
    found = {why(entry(state.rollout)) for state in states(story)} - {None}
    assert found == {RECORDED[story]}


@pytest.mark.parametrize("story", STORIES)
def test_what_is_degraded_has_one_cause_and_nothing_else_has_any(story: str) -> None:
    for state in states(story):
        found = entry(state.rollout)
        reason = why(found)
        assert (reason is not None) == (found.row.phase == "Degraded")
        assert not is_aborted(found) or found.row.phase == "Degraded"
        # Nothing in the recordings is beyond what has a name.
        assert reason is None or reason.cause is not Cause.OTHER
        assert reason is None or found.row.ref.name + "-" not in reason.text


_ANALYSIS = "Step-based analysis phase error/failed: "


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (aborted("web", "Step Plugin 2 (demo/gate) failed: no"), Why(Cause.PLUGIN, "demo/gate")),
        (aborted("web", "Step Plugin 7 (demo/gate) failed: "), Why(Cause.PLUGIN, "demo/gate")),
        (
            aborted(
                "web",
                failed_step=1,
                runs=(EntryRun(0, "a", "Failed"), EntryRun(1, "demo/gate", "Failed")),
            ),
            Why(Cause.PLUGIN, "demo/gate"),
        ),
        (
            aborted(
                "web",
                "Background analysis phase error/failed: "
                'Metric "errors" assessed Error due to consecutiveErrors (5) >'
                " consecutiveErrorLimit (4)",
            ),
            Why(Cause.METRIC, "errors", "Error"),
        ),
        (
            aborted("web", _ANALYSIS + "Analysis spec invalid: metrics[3]: no interval"),
            Why(Cause.ANALYSIS, text="Analysis spec invalid: metrics[…]: no interval"),
        ),
        (
            aborted("web", "Experiment analysis phase is error/failed: 3 of 12 pods of web-6f7c8"),
            Why(Cause.EXPERIMENT, text="… of … pods of …"),
        ),
        (
            aborted("web", 'ReplicaSet "web-6bb785c6f" has timed out progressing.'),
            Why(Cause.DEADLINE),
        ),
        (
            aborted("web", "the mesh said 503 after 12.5s (request 5f4e3d2c1b0a)"),
            Why(Cause.OTHER, text="the mesh said … after … (request …)"),
        ),
        (aborted("web"), Why(Cause.PERSON)),
        (one("web", "Degraded", cause="x" * 5000), Why(Cause.OTHER, text="x" * 2000)),
        (one("web", "Degraded", message="odd"), Why(Cause.OTHER, text="odd")),
        (
            one("web", "Degraded", cause='Failed to create new replica set "web-5d4f": quota 3'),
            Why(Cause.PODS_NOT_CREATED, text='Failed to create new replica set "…": quota …'),
        ),
        (one("web", "Progressing", aborted=True), None),
        (one("web"), None),
    ],
)
def test_the_cause_of_an_entry(found: Entry, expected: Why | None) -> None:
    assert why(found) == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("job smoke #12 took 4m10s", "", "job smoke #… took …"),
        ("step/e2e-test of v1 on h2", "", "step/e2e-test of v1 on h2"),
        ("web-1 and web-22, not website or my-web", "web", "… and …, not website or my-web"),
        ("dial tcp 10.1.2.3:9098: refused", "", "dial tcp …: refused"),
        ("two\n lines", "", "two lines"),
        ("", "web", ""),
    ],
)
def test_what_differs_between_rollouts_is_cut(text: str, name: str, expected: str) -> None:
    assert alike(text, name) == expected
    assert alike(alike(text, name), name) == expected


def test_equal_causes_are_one_group_and_the_newest_stands_first() -> None:
    found = [
        aborted("a", "Step Plugin 2 (demo/gate) failed: #1", at=ago(hours=2)),
        aborted("b", "Step Plugin 4 (demo/gate) failed: #2", at=ago(hours=1)),
        aborted("c", at=ago(hours=3)),
        aborted("d", "Step Plugin 4 (demo/gate) failed: #3", at=ago(hours=7)),
    ]
    summary = summarise(found, NOW)
    first, second = summary.aborted
    assert (first.why, second.why) == (Why(Cause.PLUGIN, "demo/gate"), Why(Cause.PERSON))
    assert [place.ref.name for place in first.places] == ["b", "a"]
    assert first.said == "Step Plugin 4 (demo/gate) failed: #2"
    assert summary.aborted_before == 1


# --- what else is in a summary ------------------------------------------------------------------


def test_an_abort_of_which_the_time_is_unknown_is_not_hidden() -> None:
    found = one("web", "Degraded", aborted=True, message=ABORTED, since=None)
    summary = summarise([found], NOW)
    assert [len(group.places) for group in summary.aborted] == [1]


def test_who_waits_longest_comes_first() -> None:
    summary = summarise(
        [
            one("a", "Paused", awaiting=Awaiting.PROMOTION, since=ago(hours=1)),
            one("b", "Paused", awaiting=Awaiting.RESUME, since=None),
            one("c", "Paused", awaiting=Awaiting.PROMOTION, since=ago(days=2)),
            one("timed", "Paused"),
        ],
        NOW,
    )
    assert [row.ref.name for row in summary.awaiting] == ["c", "a", "b"]
    assert (summary.counts.paused, summary.counts.awaiting) == (4, 3)


def test_what_progresses_or_runs_a_plugin_for_too_long() -> None:
    running = EntryRun(1, "demo/gate", "Running", ago(minutes=31))
    late = ago(minutes=50)
    summary = summarise(
        [
            one("fine", "Progressing", since=ago(minutes=29)),
            one("unknown", "Progressing", since=None),
            one("slow", "Progressing", since=ago(minutes=40)),
            one("gate", "Progressing", since=None, runs=(running,)),
            one("both", "Progressing", since=late, runs=(running,)),
            one("held", "Paused", since=late, runs=(running,)),
        ],
        NOW,
    )
    assert [(each.row.ref.name, each.plugin) for each in summary.stuck] == [
        ("slow", ""),
        ("both", "demo/gate"),
        ("gate", "demo/gate"),
    ]


def test_where_plugins_are_used_run_and_fail() -> None:
    def run(phase: str, **span: float) -> EntryRun:
        return EntryRun(0, "demo/gate", phase, ago(**span), ago(**span))

    gate, other = ("demo/gate", "demo/gate"), ("demo/other",)
    tally = Tally()
    for found in (
        one("a", plugins=gate),
        one("b", "Progressing", plugins=gate, runs=(run("Running", minutes=5),)),
        one("c", "Progressing", plugins=gate, runs=(run("Running", minutes=9),)),
        one("d", "Progressing", plugins=gate, runs=(run("Error", minutes=9),)),
        aborted("e", plugins=gate, runs=(run("Error", minutes=9),)),
        aborted("f", plugins=gate, runs=(run("Failed", hours=5),)),
        aborted("g", plugins=gate, runs=(run("Failed", hours=7),)),
        one("h", plugins=other),
    ):
        tally.put(found)
    first, second = tally.summary(NOW).plugins
    assert (first.name, first.rollouts, first.steps) == ("demo/gate", 7, 14)
    assert [place.ref.name for place in first.running] == ["c", "b"]
    assert [place.ref.name for place in first.failing] == ["d"]
    assert [place.ref.name for place in first.failed] == ["f"]
    assert (first.unread, second.unread) == (("",), ("",))

    tally.configure(
        parse({"stepPlugins": "- name: demo/gate\n  location: file:///x\n  disabled: true\n"})
    )
    first, second = tally.summary(NOW).plugins
    assert (first.name, first.unconfigured) == ("demo/other", ("",))
    assert (second.name, second.disabled, second.unread) == ("demo/gate", ("",), ())


@pytest.mark.parametrize(
    ("labels", "by", "expected", "groups"),
    [
        ([{"team": "x"}, {"team": "y"}, {}], "", "team", {"x", "y", ""}),
        ([{"team": "x"}, {"owner": "y"}, {"owner": "z"}], "", "owner", {"y", "z", ""}),
        ([{"team": "x"}, {}, {}], "", "namespace", {"shop"}),
        ([{"team": "x"}, {"team": "y"}, {}], "namespace", "namespace", {"shop"}),
        ([{"tier": "x"}, {}, {}], "tier", "tier", {"x", ""}),
        ([], "", "namespace", set()),
    ],
)
def test_groups_are_made_by_a_teams_label_where_most_have_one(
    labels: list[dict[str, str]], by: str, expected: str, groups: set[str]
) -> None:
    found = [one(f"r{index}", labels=each) for index, each in enumerate(labels)]
    summary = summarise(found, NOW, by=by)
    assert summary.by == expected
    assert {group.name for group in summary.groups} == groups


def test_a_cluster_that_is_left_leaves_nothing_behind() -> None:
    tally = Tally(clusters=["east", "west"])
    tally.put(one("a", "Degraded", plugins=("demo/gate",)), "east")
    tally.put(one("a"), "west")
    assert [group.name for group in tally.summary(NOW).clusters] == ["east", "west"]
    tally.leave("east")
    summary = tally.summary(NOW)
    assert [(group.name, group.counts.total) for group in summary.clusters] == [("west", 1)]
    assert (summary.counts.total, summary.plugins, summary.degraded) == (1, (), ())


# --- it adds up ---------------------------------------------------------------------------------

_MOMENTS = st.none() | st.timedeltas(timedelta(), timedelta(hours=12)).map(lambda span: NOW - span)
_RUNS = st.builds(
    EntryRun,
    st.integers(0, 3),
    st.sampled_from(["demo/a", "demo/b"]),
    st.sampled_from(["Running", "Error", "Failed"]),
    _MOMENTS,
    _MOMENTS,
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    phase = draw(st.sampled_from(["Healthy", "Progressing", "Paused", "Degraded", "Odd"]))
    facts: dict[str, Any] = {
        "namespace": draw(st.sampled_from(["shop", "bank"])),
        "since": draw(_MOMENTS),
        "strategy": draw(st.sampled_from(["canary", "blueGreen", ""])),
        "aborted": draw(st.booleans()),
        "aborted_at": draw(_MOMENTS),
        "labels": draw(st.dictionaries(st.just("team"), st.sampled_from("xy"))),
        "plugins": draw(st.sampled_from([(), ("demo/a",), ("demo/a", "demo/b", "demo/a")])),
        "runs": tuple(draw(st.lists(_RUNS, max_size=2))),
    }
    if phase == "Paused":
        facts["awaiting"] = draw(st.none() | st.sampled_from(Awaiting))
    if phase == "Degraded":
        facts["cause"] = draw(
            st.sampled_from(["", "Step Plugin 1 (demo/a) failed: x", "odd 1", "odd 2"])
        )
    return one(draw(st.sampled_from("abcdef")), phase, **facts)


CHANGES = st.lists(st.tuples(st.booleans(), st.sampled_from(["", "east"]), entries()), max_size=30)


def _sum(counts: list[Counts]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update({key: value for key, value in to_builtins(each).items() if value})
    return total


def check(summary: Summary, there: dict[tuple[str, Ref], Entry]) -> None:
    """The numbers agree with each other, and with what is there."""
    counts = summary.counts
    phases = (counts.healthy, counts.progressing, counts.paused, counts.degraded, counts.other)
    assert sum(phases) == counts.total == len(there)
    assert counts.aborted <= counts.degraded
    assert counts.awaiting == len(summary.awaiting) <= counts.paused
    for groups in (summary.strategies, summary.groups, summary.clusters):
        assert _sum([group.counts for group in groups]) == _sum([counts])
        assert len({group.name for group in groups}) == len(groups)
    groups_of_causes = (*summary.aborted, *summary.degraded)
    places = [(place.cluster, place.ref) for group in groups_of_causes for place in group.places]
    assert len(set(places)) == len(places)
    assert len(places) + summary.aborted_before == counts.degraded
    assert counts.aborted == summary.aborted_before + sum(
        len(group.places) for group in summary.aborted
    )
    used = Counter(name for found in there.values() for name in found.plugins)
    assert {use.name: use.steps for use in summary.plugins} == used
    assert all(use.rollouts <= use.steps for use in summary.plugins)


@settings(max_examples=60)
@given(CHANGES)
def test_numbers_add_up_and_changes_count_as_if_read_anew(
    changes: list[tuple[bool, str, Entry]],
) -> None:
    tally = Tally(clusters=["", "east"])
    there: dict[tuple[str, Ref], Entry] = {}
    for gone, cluster, found in changes:
        if gone:
            tally.drop(found.ref, cluster)
            there.pop((cluster, found.ref), None)
        else:
            tally.put(found, cluster)
            there[cluster, found.ref] = found
    anew = Tally(clusters=["", "east"])
    for (cluster, _), found in sorted(there.items(), key=lambda item: str(item[0])):
        anew.put(found, cluster)
    summary = tally.summary(NOW)
    assert summary == anew.summary(NOW)
    check(summary, there)
