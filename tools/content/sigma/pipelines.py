"""Where fields of our rules are in other schemas: mappings/sigma.yaml, as pySigma's pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from tools.content import strict_yaml
from tools.content.detections.schema import Detection
from tools.content.strict_yaml import Fault, MappingError, Strict, Text

FILE = "mappings/sigma.yaml"
SCHEMAS = ("ecs", "ocsf")
Json = dict[str, Any]


class Place(Strict):
    """A field of ours in the other schemas. values: by schema, where its words are others."""

    ecs: str
    ocsf: str
    values: dict[Literal["ecs", "ocsf"], dict[str, str]] = Field(default_factory=dict)

    def called(self, form: str, name: str) -> str:
        """What a field that we call `name` is called in a form."""
        return {"ecs": self.ecs, "ocsf": self.ocsf}.get(form, name)


class Places(Strict):
    """The file. about: what each schema is called; fields: by our names, those of `fields`."""

    about: dict[str, Text]
    fields: dict[str, Place]

    def called(self, form: str, name: str) -> str:
        """What a field is called in a form; one that is not of our records keeps its name."""
        return self.fields[name].called(form, name) if name in self.fields else name


def read_places(root: Path, detections: Iterable[Detection]) -> Places:
    """Raises MappingError where a rule looks at a field without a place."""
    path = root / FILE
    places = strict_yaml.read(path, Places, "mapping of Sigma's fields", "docs/sigma.md")
    ours = [one for one in detections if one.sigma.service == "cloudhsm"]
    used = {name: one.stem for one in ours for name in sorted(one.sigma.fields)}
    for name, stem in used.items():
        if name not in places.fields:
            what = f"fields: {name}, which detections/{stem}.yml looks at, has no place here"
            raise MappingError([Fault(path, strict_yaml.line_in(path, "fields"), what)])
    return places


def pipeline(schema: str, places: Places) -> str:
    """A processing pipeline for rules on our records, in pySigma's YAML."""
    mapping = {name: place.called(schema, name) for name, place in sorted(places.fields.items())}
    steps: list[Json] = [{"type": "field_name_mapping", "mapping": mapping}]
    for place in places.fields.values():
        for called, words in place.values.items():
            if called == schema:
                field = {"type": "include_fields", "fields": [place.called(schema, "")]}
                step = {"type": "map_string", "mapping": words, "field_name_conditions": [field]}
                steps.append(step)
    ours = [{"type": "logsource", "product": "aws", "service": "cloudhsm"}]
    told = {
        "name": f"AWS CloudHSM, {places.about[schema]}",
        "priority": 20,
        "transformations": [{**step, "rule_conditions": ours} for step in steps],
    }
    return yaml.dump(told, Dumper=_WithoutAliases, sort_keys=False)


class _WithoutAliases(yaml.SafeDumper):
    """Writes a value that stands in several places out in each."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def pipelines(places: Places) -> Mapping[str, str]:
    """All, by schema."""
    return {schema: pipeline(schema, places) for schema in SCHEMAS}
