"""A corpus of manifests: everything wrong in it is found where it stands, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rolloutctl.domain.lint import wording
from rolloutctl.domain.lint.checks import lint
from rolloutctl.domain.lint.finding import Finding, Manifest, Severity
from rolloutctl.domain.lint.manifests import read
from rolloutctl.sandbox.controller import invalid
from support.linted import expected

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
PLURALS = {
    "services": "Service",
    "analysistemplates": "AnalysisTemplate",
    "clusteranalysistemplates": "ClusterAnalysisTemplate",
    "virtualservices": "VirtualService",
}


def found(file: Path) -> list[Finding]:
    manifests, findings = read(file.read_text("utf-8"), file.name)
    return [*findings, *lint(manifests)]


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(BAD) >= 60
    assert len(GOOD) >= 40


def test_everything_wrong_is_found_where_it_stands() -> None:
    lost = []
    for file in BAD:
        findings = found(file)
        wanted = expected(file)
        assert wanted, file.name
        for one in wanted:
            if not any(
                (each.rule, each.place.line) == (one.rule, one.line) and one.said in each.message
                for each in findings
            ):
                lost.append((file.name, one, [(f.rule, f.place.line, f.message) for f in findings]))
    assert lost == []


def test_nothing_is_found_that_is_not_expected() -> None:
    extra = []
    for file in [*BAD, *GOOD]:
        wanted = {(one.rule, one.line) for one in expected(file)}
        for each in found(file):
            # Objects in the corpus name Services that are none of the matter.
            alone = each.rule == "missing-service" and file.name.startswith("rollout-")
            if (each.rule, each.place.line) not in wanted and not alone:
                extra.append((file.name, each.rule, each.place.line, each.message))
    assert extra == []


def refusals(manifests: list[Manifest]) -> Iterator[tuple[Manifest, str]]:
    """What the simulated controller, which knows nothing of lint, says of each Rollout."""

    def find(plural: str, name: str) -> Any:
        kind, bare = PLURALS[plural], name.partition(".")[0]
        fits = (one.data for one in manifests if (one.kind, one.name) == (kind, bare))
        return next(fits, None)

    for one in manifests:
        if one.kind != "Rollout" or one.at("spec", "workloadRef") is not None:
            continue
        error = invalid.spec_error(one.data) or invalid.reference_error(one.data, find)
        if error:
            yield one, error


OURS_ALONE = {
    # The API server refuses these before a controller sees them.
    *("spec-negative-replicas", "spec-old-version", "spec-kind-misspelt"),
    *("spec-containers-of-one-name", "spec-list-for-an-object"),
    # The simulated controller sends nothing to these routers, and looks at no Ingress.
    *("traffic-ingress-of-others", "traffic-ingress-not-of-the-root"),
    *("traffic-ingress-twice", "traffic-no-ingress"),
}


def test_the_controller_says_the_same_in_the_same_words() -> None:
    """And what it refuses, lint refuses: each has the other's first message among its own."""
    differing: list[tuple[str, str, Any]] = []
    for file in [*BAD, *GOOD]:
        manifests, _ = read(file.read_text("utf-8"), file.name)
        told = {(id(each.manifest), each.message): each for each in lint(manifests)}
        refused = {id(one): error for one, error in refusals(manifests)}
        for one in manifests:
            error = refused.get(id(one))
            ours = [each for (of, _), each in told.items() if of == id(one)]
            if error is not None and all(each.message != error for each in ours):
                differing.append((file.name, error, [each.message for each in ours]))
            said = [each for each in ours if each.rule == wording.RULE]
            known = one.at("spec", "workloadRef") is None and file.stem not in OURS_ALONE
            if error is None and known and said and said[0].severity is Severity.ERROR:
                differing.append((file.name, "only lint", said[0].message))
    assert differing == []
