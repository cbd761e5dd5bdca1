"""Loading an app: what is read, what is refused, and that loading is fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.app import App
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent

MakeApp = Callable[..., App]
MakeFolder = Callable[..., Path]
_PROPS = "[st]\nKV_MODE = none\n"


def _load_error(folder: Path) -> str:
    with pytest.raises(EmulatorError) as caught:
        App.load(folder)
    return str(caught.value)


def test_a_folder_without_default_is_no_app(tmp_path: Path) -> None:
    assert "is no app: it has no folder default/" in _load_error(tmp_path)


def test_a_local_folder_is_refused(app_folder: MakeFolder) -> None:
    folder = app_folder(props=_PROPS)
    (folder / "local").mkdir()

    assert "layers over default/ are not modelled" in _load_error(folder)


def test_an_unknown_file_is_refused_and_files_without_effect_are_not(
    app_folder: MakeFolder,
) -> None:
    App.load(app_folder(props=_PROPS, app="[ui]\nx = 1\n", inputs="anything", savedsearches=""))

    assert "multikv.conf:1 []: the emulator does not know this file" in _load_error(
        app_folder(multikv="")
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("transforms", "[t]\nSOURCE_KEY = a\n", ":1 [t]: neither REGEX, DELIMS, filename nor"),
        ("transforms", "[t]\nexternal_type = kvstore\n", ":1 [t]: a KV store lookup needs"),
        ("collections", "[c]\nfield.a = text\n", ":2 [c]: field.a: write number, bool"),
        ("savedsearches", "[s]\nsearch = a | statz\n", ":2 [s]: Unknown search command 'statz'"),
        ("transforms", "[t]\nfilename = t.csv\n", ":2 [t]: lookups/t.csv does not exist"),
        ("transforms", "[t]\nREGEX = (\n", ":2 [t]: bad regex"),
        ("fields", "[f]\nTOKENIZER = (.)\n", ":2 [f]: the emulator does not model TOKENIZER"),
        ("fields", "[f]\nINDEXED_VALUE = x\n", ":2 [f]: INDEXED_VALUE = 'x' is not a boolean"),
        ("props", _PROPS + "EXTRACT-a = (?<a>\n", ":3 [st]: bad regex"),
        ("props", "[source::x]\nEXTRACT-a = (?<a>\n", ":2 [source::x]: bad regex"),
        ("props", "[host::x]\nREPORT-a = b\n", ":2 [host::x]: transforms.conf has no stanza [b]"),
        ("props", "[host::x]\nEVAL-a = b(\n", ":2 [host::x]: The expression is malformed"),
        ("props", "[host::x]\nLOOKUP-a = b c\n", ":2 [host::x]: transforms.conf has no lookup"),
        ("props", "[source::x]\nTIME_PREFIX = (\n", ":2 [source::x]: bad regex"),
        ("macros", "[m]\ndefinition = `n`\n", ":2 [m]: The search macro 'n' cannot be found."),
    ],
)
def test_faults_show_when_the_app_is_loaded(
    app_folder: MakeFolder, name: str, text: str, message: str
) -> None:
    assert f"default/{name}.conf{message}" in _load_error(app_folder(**{name: text}))


def test_unknown_settings_in_the_metadata_are_refused(app_folder: MakeFolder) -> None:
    folder = app_folder(props=_PROPS)
    (folder / "metadata").mkdir()
    meta = folder / "metadata" / "default.meta"

    meta.write_text("[]\naccess = read : [ * ]\n[props]\nexport = system\n")
    App.load(folder)
    meta.write_text("[]\nexprot = system\n")
    assert _load_error(folder) == "metadata/default.meta:2 []: unknown setting exprot"


def test_an_extract_in_a_source_stanza_may_read_what_the_sourcetype_extracts(app: MakeApp) -> None:
    props = (
        "[st]\nKV_MODE = none\nEXTRACT-a = (?<a>x.*)\n[source::s...]\nEXTRACT-b = x(?<b>.) in a\n"
    )
    event = IndexedEvent("xy", 0, "h", "s1", "st", "main")

    assert app(props=props).search_time(event)["b"] == "y"


def test_a_source_stanza_overrides_a_class_of_the_sourcetype(app: MakeApp) -> None:
    props = "[st]\nKV_MODE = none\nEVAL-a = 1\nEVAL-b = 1\n[source::s]\nEVAL-a = 2\n"
    fields = app(props=props).search_time(IndexedEvent("r", 0, "h", "s", "st", "main"))

    assert (fields["a"], fields["b"]) == ("2", "1")


def test_an_event_that_no_stanza_matches_is_refused(app: MakeApp) -> None:
    """Assumption 16: Splunk would extract key=value pairs automatically."""
    with pytest.raises(EmulatorError, match=r"no stanza of props\.conf matches this event"):
        app(props=_PROPS).search_time(IndexedEvent("r", 0, "h", "s", "other", "main"))


def test_default_settings_do_not_count_as_a_match_but_fill_every_stanza(app: MakeApp) -> None:
    loaded = app(props="[default]\nKV_MODE = none\n[st]\nEVAL-a = 1\n")

    assert loaded.search_time(IndexedEvent("r", 0, "h", "s", "st", "main"))["a"] == "1"


def test_one_event_does_not_leak_into_the_next(app: MakeApp) -> None:
    loaded = app(props=_PROPS + "EXTRACT-a = (?<a>x)\n")
    events = [IndexedEvent(raw, 0, "h", "s", "st", "main") for raw in ("x", "y", "x")]

    assert ["a" in loaded.search_time(event) for event in events] == [True, False, True]


def test_search_time_takes_well_under_a_millisecond_per_event(app: MakeApp) -> None:
    names = [f"key{number}" for number in range(20)]
    extracts = "".join(f"EXTRACT-{n} = ^{n}[ \\t]*:[ \\t]*(?<{n}>[^\\r\\n]*)\n" for n in names)
    evals = "".join(f'EVAL-e_{n} = if(match({n}, "^v"), upper({n}), "none")\n' for n in names)
    loaded = app(
        props=_PROPS + extracts + evals + "LOOKUP-l = t k AS key1 OUTPUT label\n",
        transforms="[t]\nfilename = t.csv\nmatch_type = WILDCARD(k)\nmax_matches = 1\n",
        t_csv="k,label\n" + "".join(f"x{number}*,l\n" for number in range(100)) + "*,rest\n",
        eventtypes="[e]\nsearch = sourcetype=st key1=v*\n",
        tags="[eventtype=e]\nx = enabled\n",
    )
    raw = "\n".join(f"{name} : value of {name}" for name in names)
    event = IndexedEvent(raw, 0, "h", "s", "st", "main")

    started = time.perf_counter()
    fields = [loaded.search_time(event) for _ in range(1000)][-1]
    assert time.perf_counter() - started < 2  # 0.2 s when nothing else runs
    assert (fields["label"], fields["e_key19"], fields["tag"]) == ("rest", "VALUE OF KEY19", "x")
