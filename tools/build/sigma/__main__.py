"""`make sigma`: writes dist/sigma, converts every rule and runs it over its detection's samples."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path

from samples.layout import Generation
from tools.build.environments import ROOT, EnvironmentProblem
from tools.build.sigma import sample_runner
from tools.build.sigma.conversion import Answer, convert
from tools.content.detections.schema import Detection, read_detections
from tools.content.sigma.pipelines import SCHEMAS, FieldMappings, pipelines, read_mappings
from tools.content.sigma.rules import FOLDER, text
from tools.content.strict_yaml import MappingError

FORMS = ("fields", *SCHEMAS)
BACKENDS = ("sqlite", "splunk", "lucene", "esql", "opensearch_ppl", "kusto")


def main() -> int:
    """Returns 1 if a rule cannot be read, is not valid, or does not fire as its detection does."""
    try:
        detections = read_detections(ROOT)
        mappings = read_mappings(ROOT, detections)
        rules = [detection for detection in detections if detection.sigma.rules]
        made, steps = {rule.stem: text(rule) for rule in rules}, pipelines(mappings)
        answer = convert(made, steps, BACKENDS)
    except (MappingError, EnvironmentProblem, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    write(ROOT / FOLDER, made, steps)
    faults = [
        *answer.issues,
        *(fault for rule in rules for fault in differences(rule, mappings, answer)),
    ]
    print("\n".join(faults), file=sys.stderr)
    converted = sum(isinstance(query, list) for query in _all(answer))
    print(
        f"{FOLDER}: {len(rules)} rules of {len(detections)} detections, "
        f"{converted} of {len([*_all(answer)])} conversions, {len(faults)} faults"
    )
    return 1 if faults else 0


def write(folder: Path, rules: Mapping[str, str], steps: Mapping[str, str]) -> None:
    """The folder again: a file for each rule, and the pipelines."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pipelines").mkdir(parents=True)
    for name, content in rules.items():
        (folder / f"{name}.yml").write_text(content, "utf-8")
    for name, content in steps.items():
        (folder / "pipelines" / f"{name}.yml").write_text(content, "utf-8")


def differences(detection: Detection, mappings: FieldMappings, answer: Answer) -> Iterator[str]:
    """Where the rule fires on a sample that Splunk's search is silent on, or the other way."""
    samples = [*zip(detection.fires, repeat(True)), *zip(detection.silent, repeat(False))]
    for form in FORMS if detection.sigma.service == "cloudhsm" else FORMS[:1]:
        queries = answer.queries[detection.stem][form]["sqlite"]
        fields = [mappings.name_in(form, name) for name in detection.sigma.fields]
        for sample, fires in samples:
            for generation in map(str.upper, sample.generations):
                events = sample_runner.events(detection, sample, Generation[generation], form)
                count = sample_runner.rows(events, [*queries], fields)
                if (count > 0) != fires:
                    yield (
                        f"detections/{detection.stem}.yml: as {form}, {generation.lower()}: {count}"
                        f" rows, but Splunk's search {'fires' if fires else 'is silent'}: "
                        f"{sample.because}"
                    )


def _all(answer: Answer) -> Iterator[Sequence[str] | Mapping[str, str]]:
    for forms in answer.queries.values():
        for backends in forms.values():
            yield from backends.values()


if __name__ == "__main__":
    sys.exit(main())
