"""Reads `detections/*.yml`, one detection each, strictly: every fault with file, line, what to do.

`Detection` and the models below it are the schema; docs/writing-detections.md explains the keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
)

from tools.content import strict_yaml
from tools.content.detections.sigma_schema import Sigma
from tools.content.strict_yaml import Fault, MappingError, Strict, Text, compose, line_in

FOLDER = "detections"
PREFIX = "cloudhsm_"
TITLE = "AWS CloudHSM"
# Fields that hold nothing a user of an HSM could have chosen: safe in the text of another search.
SAFE_TOKENS = frozenset({"cluster_id", "drill_from", "drill_to", "hsm_id", "user_hash"})
# The highest risk score of each severity: the bands of Splunk's own security content.
HIGHEST_SCORES = {"informational": 20, "low": 40, "medium": 60, "high": 80, "critical": 100}
# What a drilldown's reader cannot see from the value.
TOKEN_NOTES = {"user_hash": "user: the SHA-256 of the name"}
# Values of results that are IDs of the right form, or our own words. An outsider may have
# written any other; the texts of an alert show those by the macro `cloudhsm_shown`.
PLAIN_IN_MESSAGES = frozenset({"account", "call_outcome", "cluster_shown", "region", "usual_day"})
# The views that alerts link to, and whether they have an input for users.
VIEWS = {
    "access": True,
    "health": False,
    "integrity": False,
    "investigate": True,
    "keys": True,
    "overview": False,
    "users": True,
}
SEVERITIES = ("informational", "low", "medium", "high", "critical")
_NEW_ID = "make a new one: python -c 'import uuid; print(uuid.uuid4())'"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd])")
_TOKEN = re.compile(r"\$(?P<name>\w+)(?::(?P<form>[a-z ]+(?::[a-z ]+)?))?\$")
_DRILLDOWN_STARTS = re.compile(r"`cloudhsm_[a-z_]+`")


def seconds(text: str) -> float:
    """`90s`, `15m`, `3h` or `30d` in seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError("write a number and a unit, such as 90s, 15m, 3h or 30d")
    return float(match["number"]) * _UNITS[match["unit"]]


def _duration(text: str) -> str:
    if seconds(text) <= 0:
        raise ValueError("must be longer than nothing")
    return text


Duration = Annotated[str, AfterValidator(_duration)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Technique = Annotated[str, StringConstraints(pattern=r"^T\d{4}(\.\d{3})?$")]


def _short(name: str) -> str:
    if len(name) > LONGEST_TITLE:
        raise ValueError(f"has {len(name)} characters: a title has at most {LONGEST_TITLE}")
    return name


# Longer ones are cut in the lists of Enterprise Security and in the subjects of mails.
LONGEST_TITLE = 60
Title = Annotated[Text, AfterValidator(_short)]


class Schedule(Strict):
    """When it runs, and over what.

    every: how often. indexed: the slice of index time of a run, as long as `every` unless it is
    longer, so that records which belong together are seen together; null where the search picks
    what is new itself. events: how far back, in the events' own time.
    """

    every: Literal["5m", "15m", "1h", "4h", "1d"]
    indexed: Duration | None = "as every"
    events: Duration = "7d"

    @property
    def slice(self) -> str | None:
        """The slice of index time, or None."""
        return self.every if self.indexed == "as every" else self.indexed

    def _contradictions(self) -> Iterator[str]:
        if self.slice and seconds(self.slice) < seconds(self.every):
            yield "indexed is shorter than every: records between two runs are not seen"


class Threshold(Strict):
    """A number that a customer may change: it becomes a macro."""

    value: int = Field(ge=0)
    meaning: Text


class Throttle(Strict):
    """After an alert, others with the same values of these fields wait."""

    by: list[FieldName] = Field(min_length=1)
    period: Duration = Field(alias="for")


class RiskObject(Strict):
    """Whose risk rises by how much; the types are Enterprise Security's.

    risk_actor: who did it, `actor@cluster`, or an ARN; risk_cluster: the cluster. Neither is there
    where the records do not show it. host: a collecting host; account: an AWS account.
    """

    field: Literal["risk_actor", "risk_cluster", "host", "account"]
    type: Literal["user", "system", "other"]
    score: int = Field(ge=1, le=100)


class Risk(Strict):
    """`message` may name fields of the results: $user$, $keys:key:keys$ with a noun in singular and
    plural, $silent_for:duration$ for seconds.
    actor: the field of who did it. victim: that of whom it was done to, shown but without risk.
    """

    message: Text
    actor: FieldName | None = None
    victim: FieldName | None = None
    objects: list[RiskObject] = Field(min_length=1)

    def _contradictions(self) -> Iterator[str]:
        if ("risk_actor" in {item.field for item in self.objects}) != (self.actor is not None):
            yield "actor: risk_actor among the objects and the field of the actor go together"
        if self.victim is not None and self.victim == self.actor:
            yield "victim: is the actor too, and risk is never the victim's"


class Controls(Strict):
    """Requirements that it really serves, as those standards number them."""

    pci_dss: list[Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){1,3}$")]] = []
    nist_800_53: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d+(\(\d+\))?$")]] = []
    fips_140: list[Annotated[str, StringConstraints(pattern=r"^7\.\d+(\.\d+)*$")]] = []


class Drilldown(Strict):
    """The search of an alert; $field$ only where no text of a record can come in."""

    name: Text
    search: str

    def _contradictions(self) -> Iterator[str]:
        unsafe = sorted(set(tokens(self.search)) - SAFE_TOKENS)
        if unsafe:
            yield (
                f"${unsafe[0]}$ may hold text of a record, which would become part of a search;"
                f" use one of {', '.join(f'${name}$' for name in sorted(SAFE_TOKENS))}"
            )
        if not _DRILLDOWN_STARTS.match(self.search):
            yield "search: must begin with a macro such as `cloudhsm_audit`"


Value = str | int | float | list[str]


class SampleAlert(Strict):
    """An alert of another detection (its stem), as Splunk keeps it with or without Enterprise
    Security.
    """

    at: str = "0s"
    repeat: int = 1
    every: str = "0s"
    detection: str
    cluster: str = "payments"
    actor: str | None = None
    variant: Literal["summary", "enterprise security"] = "summary"


class Sample(Strict):
    """What happens, and its alerts.

    records: lines of a scene (samples/scene.py). collector: events of the collector. cloudtrail:
    API calls. alerts: of other detections. tables: rows of the customer's lookups. `at` counts
    from the scene's beginning; what lies before it is history, over which the alert does not run.
    """

    because: Text
    generations: list[Literal["older", "newer"]] = ["older", "newer"]
    lasts: Duration = "1h"
    records: list[dict[str, Any]] = []
    alerts: list[SampleAlert] = []
    collector: list[dict[str, Any]] = []
    cloudtrail: list[dict[str, Any]] = []
    tables: dict[str, list[dict[str, str]]] = {}


class Firing(Sample):
    """The alerts' rows, each with at least these fields, in order."""

    rows: list[dict[str, Value]] = Field(min_length=1)


class Expected(Strict):
    """How many alerts fire, and why that is right unless it is none."""

    alerts: int = Field(ge=0)
    because: Text | None = None

    def _contradictions(self) -> Iterator[str]:
        if self.alerts and not self.because:
            yield "because: state which of them are right, and what else they are"


class Detection(Strict):
    """One detection; `stem` is the file's name, by which macros are called.

    formerly: earlier names, the latest first; a saved search and macros of each stay.
    finding: false for one that adds risk only, so that analysts need not review each result.
    view: the dashboard that its alerts link to. shows: the fields that its details list.
    """

    name: Title
    formerly: list[Title] = []
    id: str
    version: int = Field(ge=1)
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    status: Literal["production", "experimental", "deprecated"] = "production"
    type: Literal["TTP", "Anomaly", "Hunting", "Correlation"]
    story: Text
    domain: Literal["access", "identity", "audit", "threat"]
    about: Text
    why: Text
    inference: Text | None
    false_positives: list[Text] = Field(min_length=1)
    scans: Text | None = None
    search: str
    schedule: Schedule
    thresholds: dict[FieldName, Threshold] = {}
    throttle: Throttle | None = None
    severity: Literal["informational", "low", "medium", "high", "critical"]
    finding: bool = True
    risk: Risk
    attack: list[Technique]
    controls: Controls
    drilldown: Drilldown
    view: Literal["access", "health", "integrity", "investigate", "keys", "overview", "users"]
    shows: list[FieldName] = Field(min_length=1)
    response: list[Text] = Field(min_length=1)
    sigma: Sigma
    fires: list[Firing] = Field(min_length=1)
    silent: list[Sample] = Field(min_length=1)
    sample_trail: Expected
    quiet_month: Expected

    @property
    def stem(self) -> str:
        """The name in lower_snake_case: the file's name, and part of the macros'."""
        return stem_of(self.name)

    @property
    def title(self) -> str:
        """The name of the saved search, as Enterprise Security's content is named."""
        return title_of(self.name)

    @property
    def former_titles(self) -> list[str]:
        """The names of its saved search before it was renamed, the latest first."""
        return [title_of(name) for name in self.formerly]

    @property
    def filter_macro(self) -> str:
        """The macro in which a customer excludes what is known to be harmless."""
        return self.threshold_macro("filter")

    def threshold_macro(self, name: str) -> str:
        """The macro of a threshold."""
        return f"{PREFIX}{self.stem}_{name}"

    @property
    def correlates(self) -> bool:
        """Whether it reads the alerts of other detections."""
        return self.type == "Correlation"

    def macros_of(self, name: str) -> list[str]:
        """The macro of a threshold or the filter, then those of its former names."""
        return [f"{PREFIX}{stem_of(title)}_{name}" for title in (self.name, *self.formerly)]

    def _contradictions(self) -> Iterator[str]:
        if not _UUID.fullmatch(self.id):
            yield f"id: must be a UUID in lower case; {_NEW_ID}"
        scores = [item.score for item in self.risk.objects]
        if (
            next(name for name, top in HIGHEST_SCORES.items() if max(scores) <= top)
            != self.severity
        ):
            yield f"severity: a score of {max(scores)} is of another severity: {HIGHEST_SCORES}"
        for name in self.thresholds:
            if f"`{self.threshold_macro(name)}`" not in self.search:
                yield (f"thresholds: the search does not use `{self.threshold_macro(name)}`")
        overlaps = self.schedule.slice != self.schedule.every
        if overlaps and self.throttle is None:
            yield "throttle: runs overlap, so the same rows would alert again and again"
        slice_of_run = self.schedule.slice
        period = seconds(self.throttle.period) if self.throttle else 0
        if self.throttle and overlaps and slice_of_run and period <= seconds(slice_of_run):
            yield "throttle: the period is not longer than the slice of a run"
        if not (self.controls.pci_dss or self.controls.nist_800_53 or self.controls.fips_140):
            yield "controls: name at least one that it serves"


def stem_of(name: str) -> str:
    """A detection's name in lower_snake_case."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def title_of(name: str) -> str:
    """The title of the saved search of a detection of this name."""
    return f"{TITLE} - {name} - Rule"


def tokens(text: str) -> list[str]:
    """The names of the fields between dollar signs."""
    return [match["name"] for match in _TOKEN.finditer(text)]


def parts(text: str) -> Iterator[tuple[str, str | None, str | None]]:
    """A text in pieces: what comes before a token, the token's field and form; the rest last."""
    end = 0
    for match in _TOKEN.finditer(text):
        yield text[end : match.start()], match["name"], match["form"]
        end = match.end()
    yield text[end:], None, None


def former_techniques(root: Path) -> dict[str, str]:
    """The IDs that ATT&CK techniques had in older versions. Raises MappingError, OSError."""
    return techniques(root, "attack_former_ids.yaml")


def techniques(root: Path, name: str = "attack.yaml") -> dict[str, str]:
    """Names of the ATT&CK techniques that a detection may name. Raises MappingError, OSError."""
    path = root / "mappings" / name
    node = compose(path)
    if not isinstance(node, yaml.MappingNode):
        raise MappingError([Fault(path, 1, "must hold techniques: number and name")])
    if doubled := list(strict_yaml.doubled(path, node)):
        raise MappingError(doubled)
    return {str(key.value): str(value.value) for key, value in node.value}


def read_detections(root: Path) -> list[Detection]:
    """All detections by file name.

    Raises MappingError with the faults of the first file that has some: the schema, a name that is
    not the file's, an id or a name given twice.
    """
    detections: list[Detection] = []
    places: dict[str, Path] = {}
    titles: dict[str, Path] = {}
    known = techniques(root)
    for path in sorted((root / FOLDER).glob("*")):
        if path.suffix != ".yml":
            raise MappingError(
                [Fault(path, 1, f"{FOLDER}/ contains detections: NAME.yml, no others")]
            )
        detection = read_detection(path)
        if detection.id in places:
            line = line_in(path, "id")
            what = f"id: {places[detection.id].name} has it; {_NEW_ID}"
            raise MappingError([Fault(path, line, what)])
        for name in (detection.name, *detection.formerly):
            if stem_of(name) in titles:
                what = f"formerly: {titles[stem_of(name)].name} has or had the name {name}"
                raise MappingError([Fault(path, line_in(path, "formerly"), what)])
            titles[stem_of(name)] = path
        for position, technique in enumerate(detection.attack):
            if technique not in known:
                line = line_in(path, "attack", position)
                what = f"attack: {technique} is not in mappings/attack.yaml: add it, or fix it"
                raise MappingError([Fault(path, line, what)])
        places[detection.id] = path
        detections.append(detection)
    return detections


def read_detection(path: Path) -> Detection:
    """One detection. Raises MappingError for its faults, OSError if it cannot be read."""
    detection = strict_yaml.read(path, Detection, "detection", "docs/writing-detections.md")
    if detection.stem != path.stem:
        what = f"name: the file must be called {detection.stem}.yml, or the name be another"
        raise MappingError([Fault(path, line_in(path, "name"), what)])
    return detection
