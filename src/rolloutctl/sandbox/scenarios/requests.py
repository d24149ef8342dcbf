"""What `load` is asked for over the wire, to the loader's story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutctl.errors import UsageError

from . import catalogue
from .loader import Loader, placed


def load_request(loader: Loader, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Load `{"scenario": NAME}` or `{"text": YAML, "source": NAME}`, with a `namespace` or none.

    A scenario is moved to the namespace; for a text it is where objects without one go.
    Raises what the loader raises.
    """
    namespace = wanted.get("namespace")
    scenario, text = wanted.get("scenario"), wanted.get("text")
    if isinstance(scenario, str):
        yield from loader.scenario(scenario, namespace)
    elif isinstance(text, str):
        documents = catalogue.parse(text, str(wanted.get("source", "the file")))
        yield from loader.documents([placed(document, namespace) for document in documents])
    else:
        raise UsageError("nothing to load was named")
