"""Assumption 49: another app alongside the one that is previewed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from emulator.app import App
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent

MakeFolder = Callable[..., Path]
MakePair = Callable[..., App]

_OURS = """
[source::(|af-*:|us-*:)/aws/cloudhsm/*:hsm-*]
KV_MODE = none
EXTRACT-opcode = (?m)^Opcode : (?<opcode>\\w+)
EVAL-product = "ours"
[ours]
KV_MODE = none
"""
_THEIRS = """
[aws:cloudwatchlogs]
KV_MODE = auto
EXTRACT-words = ^(?<first_word>\\w+)
EVAL-product = "theirs"
EVAL-vendor = "theirs"
FIELDALIAS-a = first_word AS word
LOOKUP-t = theirs first_word OUTPUT label
REPORT-r = last
"""
_TRANSFORMS = "[theirs]\nfilename = theirs.csv\n[last]\nREGEX = (?<last>\\w+)\\z\n"
_EXPORTED = "[]\naccess = read : [ * ]\nexport = system\n"
_SOURCE = "us-east-1:/aws/cloudhsm/cluster-x:hsm-y"


@pytest.fixture
def load_pair(app_folder: MakeFolder, tmp_path_factory: pytest.TempPathFactory) -> MakePair:
    """Loads an app with the files `own`, and another one with the metadata and files given."""

    def load(own: dict[str, str], meta: str = _EXPORTED, **files: str) -> App:
        other = tmp_path_factory.mktemp("apps") / "other"
        for name, text in {**files, "default.meta": meta}.items():
            folder, suffix = ("metadata", "") if "." in name else ("default", ".conf")
            if name.endswith("_csv"):
                name, folder, suffix = name.removesuffix("_csv"), "lookups", ".csv"
            (other / folder).mkdir(parents=True, exist_ok=True)
            (other / folder / f"{name}{suffix}").write_text(dedent(text).lstrip(), "utf-8")
        return App.load(app_folder(**own), neighbours=[other])

    return load


def _both(load_pair: MakePair, ours: str = _OURS, theirs: str = _THEIRS) -> App:
    return load_pair(
        {"props": ours},
        props=theirs,
        transforms=_TRANSFORMS,
        theirs_csv="first_word,label\nTime,clock\n",
    )


def _fields(app: App, source: str, sourcetype: str = "aws:cloudwatchlogs") -> dict[str, object]:
    event = IndexedEvent("Time: 1\nOpcode : A\nend", 0, "h", source, sourcetype, "main")
    return dict(app.search_time(event))


def test_a_source_stanza_of_ours_wins_over_their_sourcetype_and_both_apply(
    load_pair: MakePair,
) -> None:
    fields = _fields(_both(load_pair), _SOURCE)

    assert (fields["opcode"], fields["product"]) == ("A", "ours")
    assert (fields["vendor"], fields["word"], fields["label"]) == ("theirs", "Time", "clock")
    assert fields["last"] == "end"


def test_their_automatic_extraction_is_refused_only_where_ours_leaves_it_on(
    load_pair: MakePair,
) -> None:
    with pytest.raises(EmulatorError, match=r"other/default/props\.conf:2 .*KV_MODE = auto is not"):
        _fields(_both(load_pair), "111122223333:us-east-1:/aws/cloudhsm/cluster-x:hsm-y")


def test_the_same_stanza_in_both_apps_merges_setting_by_setting(load_pair: MakePair) -> None:
    ours = "[st]\nKV_MODE = none\nEVAL-a = 1\n"
    app = load_pair({"props": ours}, props="[st]\nKV_MODE = none\nEVAL-b = 2\n")

    fields = _fields(app, "s", "st")
    assert (fields["a"], fields["b"]) == ("1", "2")


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "message"),
    [
        ("props", "[st]\nKV_MODE = none\n", "[st]\nKV_MODE = json\n",
         r"other/default/props.conf:2 [st]: KV_MODE differs from default/props.conf:2 [st]"),
        ("transforms", "[t]\nREGEX = (?<a>.)\n", "[t]\nREGEX = (?<b>.)\n",
         r"other/default/transforms.conf:2 [t]: REGEX differs from default/transforms.conf:2"),
        ("collections", "[c]\nreplicate = true\n", "[c]\nreplicate = true\n",
         r"other/default/collections.conf:1 [c]: default/collections.conf:1 [c] is the same"),
        ("props", "", "[st]\nTRANSFORMS-a = b\n", "does not model the setting TRANSFORMS-a"),
        ("props", "", "[source::x]\nMORE = b\n", "does not model the setting MORE"),
    ],
)  # fmt: skip
def test_what_two_apps_set_differently_and_what_is_unknown_is_refused(
    load_pair: MakePair, name: str, ours: str, theirs: str, message: str
) -> None:
    with pytest.raises(EmulatorError) as caught:
        load_pair({name: ours}, **{name: theirs})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "meta",
    [
        "",
        "[]\nexport = none\n",
        "[transforms]\nexport = system\n",
        "[]\nexport = system\n[props]\nexport = none\n",
    ],
)
def test_an_app_that_does_not_export_its_props_is_refused(load_pair: MakePair, meta: str) -> None:
    with pytest.raises(EmulatorError, match=r"other/metadata/default\.meta does not export props"):
        load_pair({"props": _OURS}, meta, props="[st]\nKV_MODE = none\n")


@pytest.mark.parametrize("meta", [_EXPORTED, "[props]\nexport = system\n"])
def test_an_app_may_export_all_or_its_props(load_pair: MakePair, meta: str) -> None:
    app = load_pair({"props": _OURS}, meta, props="[st]\nKV_MODE = none\nEVAL-a = 1\n")

    assert _fields(app, "s", "st")["a"] == "1"


def test_an_export_of_single_stanzas_is_refused(load_pair: MakePair) -> None:
    with pytest.raises(EmulatorError, match="exporting single stanzas is not modelled"):
        load_pair({}, f"{_EXPORTED}[props/st]\nexport = none\n", props="[st]\nKV_MODE = none\n")


def test_their_errors_are_raised_when_they_apply(load_pair: MakePair) -> None:
    app = load_pair({"props": _OURS}, props="[st]\nKV_MODE = none\nREPORT-a = none\n")

    assert _fields(app, _SOURCE)["opcode"] == "A"
    with pytest.raises(EmulatorError, match=r"other/default/props\.conf:3 \[st\]: transforms"):
        _fields(app, "s", "st")


def test_their_transforms_for_index_time_and_constants_do_not_concern_us(
    load_pair: MakePair,
) -> None:
    app = load_pair(
        {"props": _OURS},
        transforms="[index]\nREGEX = (.)\nDEST_KEY = x\n[c]\nREGEX = (.)\nFORMAT = c::true\n",
    )

    assert _fields(app, _SOURCE, "ours")["opcode"] == "A"


def test_their_metadata_must_be_known(load_pair: MakePair) -> None:
    with pytest.raises(EmulatorError, match=r"other/metadata/default\.meta:3 .*setting exprot"):
        load_pair({}, "[]\nowner = admin\nexprot = x\n", props="[st]\nKV_MODE = none\n")


def test_a_folder_without_default_is_no_app(app_folder: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="has no folder default/"):
        App.load(app_folder(), neighbours=[tmp_path / "nothing"])
