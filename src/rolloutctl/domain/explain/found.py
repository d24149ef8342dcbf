"""All that is known of one rollout while its state is being explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from rolloutctl.domain.decision import Seen
from rolloutctl.domain.explain.facts import (
    Cause,
    CauseKind,
    Deadline,
    EndedBy,
    EventFacts,
    ExperimentEvidence,
    PodsEvidence,
    Reached,
    RunEvidence,
)
from rolloutctl.domain.explain.runs import UNFINISHED, experiment_evidence, run_evidence
from rolloutctl.domain.facts import ReplicaSetFacts, RolloutPicture
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.steps import StepProgress, StepState
from rolloutctl.domain.wire import ReplicaSet, Rollout
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails, RolloutDetails

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration


class Found(Struct, frozen=True):
    """`events` are all about the rollout, `attempt` those since its present attempt began.

    `lacking`: versions of which pods are missing. `current`: the new version's pods.
    """

    seen: Seen
    picture: RolloutPicture
    known: RolloutDetails
    events: tuple[EventFacts, ...]
    attempt: tuple[EventFacts, ...]
    current: ReplicaSetFacts | None
    runs: Mapping[str, AnalysisRunDetails]
    experiments: Mapping[str, ExperimentDetails]
    lacking: tuple[PodsEvidence, ...]
    replica_sets: Sequence[ReplicaSet]
    reached: Reached | None = None
    deadline: Deadline | None = None
    config: PluginConfiguration | None = None

    @property
    def rollout(self) -> Rollout:
        return self.seen.rollout

    @property
    def step(self) -> StepProgress | None:
        """The step it is at; None while aborted, and when all are done."""
        if self.rollout.status.abort:
            return None
        return next((s for s in self.picture.steps if s.state is StepState.CURRENT), None)

    @property
    def step_index(self) -> int | None:
        step = self.step
        return step.index if step is not None else None

    @property
    def plugin(self) -> PluginRun | None:
        step = self.step
        return step.plugin if step is not None else None

    def with_deadline(self, deadline: Deadline | None) -> Found:
        return msgspec.structs.replace(self, deadline=deadline)

    # --- analysis runs and experiments ----------------------------------------------------------

    def run(self, *types: str, phases: frozenset[str]) -> RunEvidence | None:
        """The newest run of the new version, of one of these types and phases."""
        for facts in self.picture.analysis_runs:
            if facts.current and facts.type in types and facts.phase in phases:
                return run_evidence(self.runs[facts.name], facts)
        return None

    def experiment(self, phases: frozenset[str]) -> ExperimentEvidence | None:
        """The newest experiment of the new version in one of these phases."""
        for facts in self.picture.experiments:
            if facts.current and facts.phase in phases:
                return experiment_evidence(self.experiments[facts.name], facts, self.runs.values())
        return None

    def running(self, *types: str) -> RunEvidence | None:
        """A run of these types that has not ended."""
        return self.run(*types, phases=UNFINISHED)

    # --- pods -----------------------------------------------------------------------------------

    def pods_causes(self) -> Iterator[Cause]:
        """A cause per version that lacks pods: the new version first."""
        own = self.current.name if self.current is not None else ""
        for lack in sorted(self.lacking, key=lambda lack: lack.replica_set != own):
            yield self._pods_cause(lack)

    def _pods_cause(self, lack: PodsEvidence) -> Cause:
        broken = [pod for pod in lack.pods if pod.broken]
        message, kind, ended_by = "", CauseKind.PODS_COMING, EndedBy.PODS
        if lack.message:
            kind, message, ended_by = CauseKind.PODS_NOT_CREATED, lack.message, EndedBy.PERSON
        elif broken:
            kind, ended_by = CauseKind.PODS_NOT_STARTING, EndedBy.PERSON
            message = broken[0].message or (broken[0].said[-1] if broken[0].said else "")
        created = [pod.created for pod in broken or lack.pods if pod.created is not None]
        return Cause(
            kind,
            since=min(created, default=None),
            ended_by=ended_by,
            step=self.step_index,
            message=message,
            pods=lack,
        )
