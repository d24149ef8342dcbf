"""YAML and JSON texts as manifests that know where each of their fields stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Place, Severity

MOST_NODES = 2_000_000
"""More values than that, aliases written out, are no manifest: a few lines can name billions."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_TEMPLATED = re.compile(r"\{\{-?\s*(?:\.|include|if|range|end)")
_MERGE = "tag:yaml.org,2002:merge"


class Document:
    """One document of a text: the objects in it, and what is wrong with it as YAML."""

    def __init__(self, file: str, node: yaml.Node) -> None:
        self.file = file
        self.node = node
        self.findings: list[Finding] = []
        self._made: dict[int, Any] = {}
        self._loader = yaml.SafeLoader("")

    def manifests(self) -> list[Manifest]:
        """The object of the document, or those of its list; nothing where it holds no object."""
        whole = Manifest({}, self.where())
        if _size(self.node, {}) > MOST_NODES:
            self.findings.append(_problem("too-large", whole, (), "it holds too many values"))
            return []
        try:
            data = self._value(self.node, whole, ())
        except RecursionError:
            self.findings.append(_problem("too-large", whole, (), "it is nested too deeply"))
            return []
        if not isinstance(data, dict):
            return []
        if str(data.get("kind", "")).endswith("List") and isinstance(data.get("items"), list):
            return [
                Manifest(item, self.where(("items", index)))
                for index, item in enumerate(data["items"])
                if isinstance(item, dict)
            ]
        return [Manifest(data, self.where())]

    def where(self, prefix: Path = ()) -> Callable[[Path], Place]:
        """How places of an object in this document are found."""

        def find(path: Path) -> Place:
            mark = _mark((*prefix, *path), self.node)
            return Place(self.file, mark.line + 1, mark.column + 1)

        return find

    def _value(self, node: yaml.Node, whole: Manifest, path: Path) -> Any:
        known = self._made.get(id(node))
        if known is not None:
            return known
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, whole, path)
        if isinstance(node, yaml.SequenceNode):
            result: list[Any] = []
            self._made[id(node)] = result
            result += [
                self._value(each, whole, (*path, index)) for index, each in enumerate(node.value)
            ]
            return result
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, whole, path)

    def _mapping(self, node: yaml.MappingNode, whole: Manifest, path: Path) -> Any:
        result: dict[str, Any] = {}
        self._made[id(node)] = result
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for each in merged:
                    inner = self._value(each, whole, path)
                    for name in inner if isinstance(inner, dict) else ():
                        result.setdefault(name, inner[name])
        own: set[str] = set()
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name in own:
                message = f'"{name}" is there twice: only the last one counts'
                self.findings.append(_problem("duplicate-key", whole, (*path, name), message))
            own.add(name)
            result[name] = self._value(value, whole, (*path, name))
        return result

    def _scalar(self, node: yaml.ScalarNode, whole: Manifest, path: Path) -> Any:
        tag, text = node.tag.rpartition(":")[2], str(node.value)
        try:
            match tag:
                case "null":
                    return None
                case "bool":
                    return self._loader.construct_yaml_bool(node)
                case "int":
                    # Kubernetes reads 0o17 and 017 and 0x1F as YAML 1.1 does.
                    plain = _WHOLE.fullmatch(text)
                    if plain:
                        return int(text.replace("_", ""))
                    return self._loader.construct_yaml_int(node)
                case "float":
                    return self._loader.construct_yaml_float(node)
        except (ValueError, yaml.YAMLError):
            message = f"{text[:80]} cannot be read as {tag}"
            self.findings.append(_problem("syntax", whole, path, message))
            return None
        return text


def read(text: str, file: str) -> tuple[list[Manifest], list[Finding]]:
    """The objects of a text (several documents, lists, JSON too), and what is wrong with it as
    YAML. After a mistake in its syntax the rest of the text is not read."""
    manifests: list[Manifest] = []
    findings: list[Finding] = []
    try:
        for node in yaml.compose_all(text, _LOADER):
            if node is None:
                continue
            document = Document(file, node)
            manifests += document.manifests()
            findings += document.findings
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
        said = error.problem or error.context or "it is no YAML"
        findings.append(_syntax(said, place, text))
    except RecursionError:
        findings.append(_syntax("it is nested too deeply", Place(file), text))
    except (yaml.YAMLError, ValueError) as error:
        findings.append(_syntax(str(error), Place(file), text))
    if not findings and manifests and _TEMPLATED.search(text):
        # It happens to be YAML, but not that of an object: nothing else that is said of it is true.
        found, manifests = manifests, []
        for each in found:
            if _is_unmade(each.data):
                findings.append(_syntax("a template that is not filled in", each.where(()), text))
            else:
                manifests.append(each)
    return manifests, findings


def syntax(said: str, file: str) -> Finding:
    """A file that is no manifests at all."""
    return _syntax(said, Place(file), "")


def _is_unmade(value: Any) -> bool:
    """Whether a placeholder of Helm was read as a mapping: {{ .Values.name }} is one in YAML."""
    if isinstance(value, dict):
        return any(key == "?" or _is_unmade(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_is_unmade, value))


def _syntax(said: str, place: Place, text: str) -> Finding:
    hint = ""
    if _TEMPLATED.search(text):
        hint = "this is a template of Helm: lint what `helm template` makes of it"
    message = " ".join(said.split())
    manifest = Manifest({}, lambda path: place)
    return Finding("syntax", Severity.ERROR, message, manifest, hint=hint)


def _problem(rule: str, manifest: Manifest, path: Path, message: str) -> Finding:
    return Finding(rule, Severity.ERROR, message, manifest, path)


def _mark(path: Path, node: yaml.Node) -> Any:
    """Where a field stands: its key, or its entry in a list; what is not there: its parent."""
    mark = node.start_mark
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in reversed(node.value) if pair[0].value == part), None)
            if pair is None:
                break
            mark, node = pair[0].start_mark, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            mark = node.start_mark
        else:
            break
    return mark


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values there are when each alias is written out; a circle counts as endless."""
    found = known.get(id(node))
    if found is not None:
        return found
    known[id(node)] = MOST_NODES + 1
    total = 1
    for child in _children(node):
        total += _size(child, known)
        if total > MOST_NODES:
            return MOST_NODES + 1
    known[id(node)] = total
    return total


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
