"""Runs the detections over stories and quiet weeks, and collects their findings.

A record is parsed once for all clusters that have it: the IDs of a template's clusters are replaced
in its fields. Two processes run the detections.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from emulator.app import App
from emulator.eval.values import FieldValue, values_of
from emulator.scheduler import Fired, Index, Scheduler
from tools.content.detections import ingest
from tools.content.detections.correlated import correlated
from tools.content.detections.schema import Detection
from tools.proof.stories.cluster import DAY, HOUR, MOMENT, Cluster, id_of
from tools.proof.stories.history import Tables, write_history
from tools.proof.stories.record_text import Layout
from tools.proof.stories.story import Story

_PROCESSES = 2
_CHUNK = 2_000

Row = tuple[float, dict[str, FieldValue]]

# What worker processes share; set before they are made.
_APP: App
_INDEX: Index
_TABLES: Tables
_CLUSTERS: list[Cluster]


@dataclass(frozen=True)
class Variant:
    """One cluster in which a story happens."""

    story: Story
    layout: Layout
    has_history: bool
    cluster: Cluster

    @property
    def label(self) -> str:
        """The layout, and whether the cluster has a history."""
        return f"{self.layout.value}, {'with' if self.has_history else 'without'} history"


def variants(stories: Sequence[Story]) -> list[Variant]:
    """Each story in each of its layouts, with and without history."""
    listed = []
    for number, story in enumerate(stories):
        for layout in story.layouts:
            for has_history in (True, False):
                tag = f"story{number:03}{layout.value[0]}{'h' if has_history else 'n'}"
                listed.append(Variant(story, layout, has_history, Cluster(tag, layout)))
    return listed


def stories_index(app: App, listed: Sequence[Variant]) -> Index:
    """An index with all variants."""
    templates = {
        (layout, exports): Cluster(
            f"template{layout.value[0]}{int(exports)}", layout, first_sequence=100_000
        )
        for layout in Layout
        for exports in (True, False)
    }
    for (_layout, exports), cluster in templates.items():
        write_history(cluster, exports=exports)
    scripts = {}
    for variant in listed:
        if variant.has_history:
            variant.story.script(variant.cluster)
            scripts[variant.story.name, variant.layout] = variant.cluster
    parsed = dict(_parsed(app, [*templates.values(), *scripts.values()]))
    rows: list[Row] = []
    for variant in listed:
        script = scripts[variant.story.name, variant.layout]
        rows += _renamed(parsed[script.tag], script, variant.cluster)
        if variant.has_history:
            template = templates[variant.layout, variant.story.exports]
            rows += _renamed(parsed[template.tag], template, variant.cluster)
    return Index(rows)


def parsed_rows(app: App, clusters: Sequence[Cluster]) -> list[Row]:
    """The fields of all events of these clusters."""
    return [row for _tag, rows in _parsed(app, clusters) for row in rows]


def _parsed(app: App, clusters: Sequence[Cluster]) -> Iterator[tuple[str, list[Row]]]:
    """The fields of each cluster's events, by its tag."""
    global _APP, _CLUSTERS
    _APP, _CLUSTERS = app, list(clusters)
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        results = pool.map(_cluster_rows, range(len(clusters)), chunksize=4)
        for cluster, rows in zip(clusters, results):
            yield cluster.tag, rows


def _cluster_rows(place: int) -> list[Row]:
    cluster = _CLUSTERS[place]
    named = _named(_APP)
    listed = sorted(cluster.records, key=lambda item: item.second)
    said = [
        ingest.collector_event(dict(line), MOMENT, cluster.id, cluster.hsms[0])
        for line in cluster.collector
    ]
    events = [
        *ingest.records(_APP, ((item.second, item.event) for item in listed)),
        *ingest.collector_events(_APP, said),
        *ingest.cloudtrail(cluster.calls),
    ]
    rows = []
    for second, event in events:
        fields = _APP.search_time(event)
        rows.append((second, {name: fields[name] for name in fields.keys() & named}))
    return rows


def _named(app: App) -> frozenset[str]:
    """Every word of every scheduled search: no field that one of them reads is left out."""
    known = app.knowledge
    scheduled = [*known.alerts.values(), *known.maintenance.values()]
    text = " ".join(known.macros.expand(alert.search) for alert in scheduled)
    return frozenset(re.findall(r"[\w.]+", text)) | {
        "_raw",
        "_time",
        "host",
        "source",
        "sourcetype",
        "index",
    }


def _renamed(rows: Iterable[Row], source: Cluster, target: Cluster) -> Iterator[Row]:
    names = {source.id: target.id, source.tag: target.tag}
    names |= dict(zip(source.hsms, target.hsms))
    names |= {hsm: id_of("hsm", target.tag + hsm) for hsm in source.hsms[len(target.hsms) :]}
    if source is target:
        yield from rows
        return
    pattern = re.compile("|".join(map(re.escape, names)))

    def other(value: FieldValue) -> FieldValue:
        if isinstance(value, list):
            return [pattern.sub(lambda match: names[match[0]], item) for item in value]
        return pattern.sub(lambda match: names[match[0]], value)

    for second, fields in rows:
        yield second, {name: other(value) for name, value in fields.items()}


# --- running


@dataclass(frozen=True)
class Finding:
    """One finding: which detection reported it, when (epoch seconds), and its fields."""

    stem: str
    fired: Fired
    correlates: bool = False

    @property
    def values(self) -> str:
        """What it is about; of a correlation, whose account has other clusters, the cluster."""
        fields = ["cluster_id"] if self.correlates else [*self.fired.row]
        return " ".join(" ".join(values_of(self.fired.row, name)) for name in fields)

    def names(self, texts: Iterable[str]) -> bool:
        """Whether one of the texts is part of a value."""
        return any(text in self.values for text in texts)


def findings(
    app: App,
    index: Index,
    tables: Tables,
    detections: Sequence[Detection],
    since: float,
    until: float,
) -> list[Finding]:
    """What detections report from `since` to before `until`, after throttling.

    Those that add risk only are left out, except that correlations read them.
    """
    global _APP, _INDEX, _TABLES
    _APP, _INDEX, _TABLES = app, index, tables
    Scheduler(app, index, tables).maintained(since, until)  # once, for both processes
    fork = multiprocessing.get_context("fork")
    work = [(app.knowledge.alerts[item.title].name, since, until) for item in detections]
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        results = list(pool.map(_fired, work))
    alerts = {detection.stem: fired for detection, fired in zip(detections, results)}
    alerts |= correlated(app, detections, alerts, since, until)
    return [
        Finding(detection.stem, fired, detection.correlates)
        for detection in detections
        if detection.finding
        for fired in alerts[detection.stem]
    ]


def _fired(work: tuple[str, float, float]) -> list[Fired]:
    name, since, until = work
    return Scheduler(_APP, _INDEX, _TABLES).fired(_APP.knowledge.alerts[name], since, until)


def story_window(listed: Sequence[Variant]) -> tuple[float, float]:
    """From when to when the detections run: a day before the moment, and as long as limits last."""
    last = max(v.story.visible + v.story.limit(has_history=v.has_history) for v in listed)
    return MOMENT - DAY - 2 * HOUR, MOMENT + max(last, DAY) + HOUR


def by_cluster(found: Sequence[Finding], listed: Sequence[Variant]) -> Mapping[str, list[Finding]]:
    """The findings about each variant's cluster, by its tag."""
    owners = {name: v.cluster.tag for v in listed for name in v.cluster.names()}
    pattern = re.compile("|".join(map(re.escape, sorted(owners, key=len, reverse=True))))
    sorted_out: dict[str, list[Finding]] = {v.cluster.tag: [] for v in listed}
    for finding in found:
        for tag in {owners[name] for name in pattern.findall(finding.values)}:
            sorted_out[tag].append(finding)
    return sorted_out
