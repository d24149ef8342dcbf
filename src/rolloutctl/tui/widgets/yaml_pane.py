"""The rollout as the API has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rolloutctl.domain.cluster import ROLLOUTS
from rolloutctl.render.serialize import to_yaml
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.tui.widgets.read_pane import ReadPane

_KEY = re.compile(r"(\s*(?:- )*)([^\s'\"#][^:]*:)(\s.*|)$")


class YamlPane(ReadPane):
    def read(self) -> Any:
        ref = self.live.ref
        found = msgspec.json.decode(self.live.cluster.get_raw(ROLLOUTS, ref.namespace, ref.name))
        found.get("metadata", {}).pop("managedFields", None)
        return to_yaml(found)

    def shown(self, found: Any, _surface: Surface) -> Sequence[Line]:
        return [_styled(safe(each, 0)) for each in found.splitlines()]


def _styled(text: str) -> Line:
    match = _KEY.match(text)
    if match is None:
        return line(text)
    before, key, rest = match.groups()
    return line(before, Span(key, "accent"), rest)
