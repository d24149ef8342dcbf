"""Every recorded state of every story can be shown, in every form."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from rolloutctl.domain import wire
from rolloutctl.domain.tree import RolloutPicture, picture, row
from rolloutctl.render.documents import rollout as documents
from rolloutctl.render.serialize import to_json
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import width
from rolloutctl.render.views import movement, status, table
from rolloutctl.render.views import rollout as view
from support.recorded import trace

_DATA = Path(__file__).parent.parent / "traces" / "data"
STORIES = sorted(path.name.removesuffix(".json.gz") for path in _DATA.glob("**/*.json.gz"))


@pytest.mark.parametrize("story", STORIES)
def test_every_state_is_shown(story: str) -> None:
    sets: dict[str, wire.ReplicaSet] = {}
    runs: dict[str, wire.AnalysisRun] = {}
    before: RolloutPicture | None = None
    shown = 0
    for event in trace(story)["watch"]:
        data = json.dumps(event["object"]).encode()
        if event["kind"] == "replicasets":
            found = msgspec.json.decode(data, type=wire.ReplicaSet)
            sets[found.metadata.name] = found
        elif event["kind"] == "analysisruns":
            run = msgspec.json.decode(data, type=wire.AnalysisRun)
            runs[run.metadata.name] = run
        elif event["kind"] == "rollouts":
            rollout = msgspec.json.decode(data, type=wire.Rollout)
            now = picture(rollout, sets.values(), (), runs.values())
            moment = rollout.metadata.creation_timestamp
            assert moment is not None
            surface = Surface(width=80, now=moment)
            lines = view.lines(now, surface, wide=True)
            assert max(map(width, lines)) <= 80
            for step in now.steps:
                assert any(f" {step.index + 1}  " in "".join(s.text for s in x) for x in lines)
            assert status.lines(row(rollout), surface)
            assert len(list(table.lines([row(rollout)], surface, namespaces=True))) >= 2
            assert movement.movements(now, now) == []
            document = json.loads(to_json(documents.document(now)))
            assert document["rollout"]["phase"] == now.status.phase
            if before is None or before.status.phase != now.status.phase:
                assert "phase" in [item.what for item in movement.movements(before, now)]
            before = now
            shown += 1
    assert shown
