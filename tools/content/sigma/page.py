"""docs/sigma.md: which detections are Sigma rules, which cannot be, and where the fields are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.content.detections.schema import Detection
from tools.content.markdown import table_text
from tools.content.sigma.pipelines import FILE, SCHEMAS, FieldMappings

PAGE = "docs/sigma.md"
_HEAD = f"""\
<!-- Generated from detections/*.yml and {FILE} by tools/build/sigma: make generate -->

# Sigma rules

`make sigma` writes `dist/sigma/`: each detection of [docs/detections.md](detections.md) that Sigma
can express as rules (Sigma 2, as pySigma 2 reads it), and in `dist/sigma/pipelines/` what pySigma
needs for records in other schemas. The rules look at the fields of `aws_cloudhsm_normalize.py
--format fields` ([docs/other-siems.md](other-siems.md)); those on CloudTrail at its own.

```
cd dist/sigma
sigma convert -t splunk --without-pipeline key_export_outside_the_usual_pattern.yml
sigma convert -t lucene -p pipelines/ecs.yml key_export_outside_the_usual_pattern.yml
sigma convert -t esql -p pipelines/ecs.yml password_guessing_against_many_users.yml
```

`make sigma` runs every rule over the detection's own samples, of both generations and in all three
forms (our fields, ECS, OCSF): pySigma's backend for SQLite makes the query, SQLite runs it, and it
must fire and stay silent as Splunk's search does. Conversions are tested for SQLite, Splunk,
Elasticsearch (Lucene and ES|QL), OpenSearch PPL and Kusto; a correlation needs a backend that has
its kind.

Sigma knows no throttling, and counts a record that came twice twice: remove repeats by
`record_key`."""
_RULES = ("rule", "log", "what it is", "against Splunk's search")
_CANNOT = ("detection", "why Sigma cannot say it")
_KINDS = {
    "event_count": "counts events",
    "value_count": "counts different values",
    "temporal": "events together",
    "temporal_ordered": "events in order",
}


def page(detections: Iterable[Detection], mappings: FieldMappings) -> str:
    """The whole page."""
    rules = [*detections]
    converted = [rule for rule in rules if rule.sigma.rules]
    parts = [_HEAD, f"## {len(converted)} rules", table_text(_RULES, map(_rule, converted))]
    rest = [(rule.name, str(rule.sigma.cannot)) for rule in rules if not rule.sigma.rules]
    parts += [f"## {len(rest)} detections that are no rules", table_text(_CANNOT, rest)]
    parts += ["## Fields", _FIELDS, table_text(("field", *SCHEMAS), _fields(mappings))]
    return "\n\n".join(parts) + "\n"


_FIELDS = "Where the pipelines look for the fields that the rules on records use."


def _rule(detection: Detection) -> Sequence[str]:
    sigma = detection.sigma
    kinds = [f"{_KINDS[item.type]} within {item.timespan}" for item in sigma.correlations]
    log = "CloudTrail" if sigma.service == "cloudtrail" else "records"
    kind = ", then ".join(kinds) or "one event"
    return f"`{detection.stem}.yml`", log, kind, sigma.note or "the same on every sample"


def _fields(mappings: FieldMappings) -> Iterable[Sequence[str]]:
    for name, field in sorted(mappings.fields.items()):
        cells = []
        for schema in SCHEMAS:
            words = field.values.get(schema, {})  # type: ignore[call-overload]
            differences = "; ".join(f"{ours} is {theirs}" for ours, theirs in words.items())
            cells.append(
                f"`{field.name_in(schema, name)}`" + (f" ({differences})" if differences else "")
            )
        yield (f"`{name}`", *cells)
