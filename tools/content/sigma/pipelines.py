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


class FieldMapping(Strict):
    """A field of ours in the other schemas. values: by schema, where its words are others."""

    ecs: str
    ocsf: str
    values: dict[Literal["ecs", "ocsf"], dict[str, str]] = Field(default_factory=dict)

    def name_in(self, form: str, name: str) -> str:
        """What a field that we call `name` is called in a form."""
        return {"ecs": self.ecs, "ocsf": self.ocsf}.get(form, name)


class FieldMappings(Strict):
    """The file. about: what each schema is called; fields: by our names, those of `fields`."""

    about: dict[str, Text]
    fields: dict[str, FieldMapping]

    def name_in(self, form: str, name: str) -> str:
        """What a field is called in a form; one that is not of our records keeps its name."""
        return self.fields[name].name_in(form, name) if name in self.fields else name


def read_mappings(root: Path, detections: Iterable[Detection]) -> FieldMappings:
    """Raises MappingError where a rule looks at a field without a place."""
    path = root / FILE
    mappings = strict_yaml.read(path, FieldMappings, "mapping of Sigma's fields", "docs/sigma.md")
    ours = [detection for detection in detections if detection.sigma.service == "cloudhsm"]
    used = {name: detection.stem for detection in ours for name in sorted(detection.sigma.fields)}
    for name, stem in used.items():
        if name not in mappings.fields:
            what = f"fields: {name}, which detections/{stem}.yml looks at, has no place here"
            raise MappingError([Fault(path, strict_yaml.line_in(path, "fields"), what)])
    return mappings


def pipeline(schema: str, mappings: FieldMappings) -> str:
    """A processing pipeline for rules on our records, in pySigma's YAML."""
    mapping = {
        name: field_mapping.name_in(schema, name)
        for name, field_mapping in sorted(mappings.fields.items())
    }
    steps: list[Json] = [{"type": "field_name_mapping", "mapping": mapping}]
    for field_mapping in mappings.fields.values():
        for name_in, words in field_mapping.values.items():
            if name_in == schema:
                field = {"type": "include_fields", "fields": [field_mapping.name_in(schema, "")]}
                step = {"type": "map_string", "mapping": words, "field_name_conditions": [field]}
                steps.append(step)
    ours = [{"type": "logsource", "product": "aws", "service": "cloudhsm"}]
    document = {
        "name": f"AWS CloudHSM, {mappings.about[schema]}",
        "priority": 20,
        "transformations": [{**step, "rule_conditions": ours} for step in steps],
    }
    return yaml.dump(document, Dumper=_WithoutAliases, sort_keys=False)


class _WithoutAliases(yaml.SafeDumper):
    """Writes a value that occurs several times out each time."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def pipelines(mappings: FieldMappings) -> Mapping[str, str]:
    """All, by schema."""
    return {schema: pipeline(schema, mappings) for schema in SCHEMAS}
