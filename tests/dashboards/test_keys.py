"""Keys: what happened to them, and did any leave?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from emulator.app import App
from emulator.session import Session
from samples.layout import Generation
from samples.scene import from_mapping, write
from tests.dashboards.conftest import ROOT, View
from tests.dashboards.reading import Raw
from tests.dashboards.shown_views import Shown
from tools.content.detections import ingest
from tools.content.mappings import OperationList

_ACTS = {
    "CN_GENERATE_KEY": "generated",
    "CN_GENERATE_KEY_PAIR": "generated",
    "CN_DERIVE_KEY": "derived",
    "CN_CREATE_OBJECT": "imported",
    "CN_UNWRAP_KEY": "unwrapped",
    "CN_SHARE_OBJECT": "shared",
    "CN_MODIFY_OBJECT": "changed",
    "CN_WRAP_KEY": "exported",
    "CN_NIST_AES_WRAP": "used to wrap",
    "CN_DESTROY_OBJECT": "destroyed",
    "CN_TOMBSTONE_OBJECT": "destroyed",
    "CN_EXTRACT_MASKED_OBJECT_USER": "copied in the cluster",
    "CN_INSERT_MASKED_OBJECT_USER": "copied in the cluster",
}
_MADE = {"generated", "derived", "imported", "unwrapped"}
_CATEGORIES = {
    operation.name: operation.category for operation in OperationList(ROOT / "mappings").checked()
}


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _of_keys(trail: list[Raw]) -> list[Raw]:
    return [record for record in trail if _CATEGORIES.get(record.opcode) == "Key Management"]


def _handles(record: Raw) -> list[str]:
    names = ("Priv/Secret Key Handle", "Public Key Handle", "Key Handle")
    return list({record.lines[name] for name in names if record.lines.get(name, "0") != "0"})


def test_every_operation_on_keys_has_a_label() -> None:
    of_keys = {name for name, category in _CATEGORIES.items() if category == "Key Management"}
    variants = {"CN_NIST_AES_WRAP_UNWRAP2", "CN_WRAP_KEY2"}  # by what they are variants of
    assert {*_ACTS, *variants} == of_keys


def test_operations_are_counted_without_failed_ones(view: View, trail: list[Raw]) -> None:
    shown = view("keys")
    done = Counter(_ACTS[record.opcode] for record in _of_keys(trail) if not record.failed)
    expected = {
        "made": sum(done[act] for act in _MADE),
        "exported": done["exported"],
        "destroyed": done["destroyed"],
        "refused": sum(1 for record in _of_keys(trail) if record.failed),
    }

    for name, count in expected.items():
        assert int(shown.value(name)) == count > 0
        assert len(shown.records(name)) == count


def test_the_charts_hold_every_act_and_copies_of_the_cluster_only_in_the_bars(
    view: View, trail: list[Raw]
) -> None:
    expected = Counter(_ACTS[record.opcode] for record in _of_keys(trail))

    bars = {row["act"]: int(row["records"]) for row in view("keys").panel("totals")}
    columns: Counter[str] = Counter()
    for row in view("keys").panel("by_act"):
        columns.update({k: int(v) for k, v in row.items() if not k.startswith("_")})

    assert bars == expected
    assert columns == {act: n for act, n in expected.items() if act != "copied in the cluster"}


def test_an_export_names_the_wrapping_key_of_the_record_right_after_it(
    view: View, trail: list[Raw]
) -> None:
    following = {(r.stream, r.lines["Reboot counter"], r.sequence): r for r in _hsm(trail)}
    expected = Counter[tuple[str, str, str, str]]()
    for r in _of_keys(trail):
        if r.opcode != "CN_WRAP_KEY":
            continue
        behind = following.get((r.stream, r.lines["Reboot counter"], r.sequence + 1))
        pairs = (
            behind is not None
            and behind.opcode == "CN_NIST_AES_WRAP"
            and behind.session == r.session
        )
        with_key = _handles(behind)[0] if behind and pairs else "not recorded"
        expected[_shown(r.at), r.stream, _handles(r)[0], with_key] += 1

    rows = view("keys").panel("exports")

    actual = Counter((r["time"], r["hsm_id"], r["key"], r["wrapped_with"]) for r in rows)
    assert actual == expected
    assert "not recorded" in {key for *_others, key in actual}
    assert len({key for *_others, key in actual}) > 1
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)


def _hsm(trail: list[Raw]) -> list[Raw]:
    return [r for r in trail if "Sequence No" in r.lines and "Reboot counter" in r.lines]


def test_the_life_of_each_key_has_its_first_and_last_times(view: View, trail: list[Raw]) -> None:
    lives: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in _of_keys(trail):
        act = _ACTS[record.opcode]
        if not record.failed and act not in ("used to wrap", "copied in the cluster"):
            for handle in _handles(record):
                lives[record.cluster, handle][act].append(record.at)

    rows = view("keys").panel("lives")

    assert {(row["cluster_id"], row["key_handle"]) for row in rows} == set(lives)
    for row in rows:
        acts = lives[row["cluster_id"], row["key_handle"]]
        births = [at for act in _MADE for at in acts[act]]
        assert row.get("made") == (_shown(max(births)) if births else None)
        assert int(row["times_made"]) == len(births)
        for act in ("shared", "changed", "exported", "destroyed"):
            assert row.get(act) == (_shown(max(acts[act])) if acts[act] else None)
        assert int(row["exports"]) == len(acts["exported"])
        made = max(births, default=0)
        is_gone = max(acts["destroyed"], default=-1) >= made
        has_left = max(acts["exported"], default=-1) >= made
        assert row["state"] == ("destroyed" if is_gone else "exported" if has_left else "exists")
    states = [row["state"] for row in rows]
    assert states.index("destroyed") > max(at for at, s in enumerate(states) if s == "exported")


def test_one_key_has_its_records_in_order(view: View, trail: list[Raw]) -> None:
    row = view("keys").panel("lives")[0]
    cluster, handle = str(row["cluster_id"]), str(row["key_handle"])
    expected = [
        (record.opcode, record.stream)
        for record in trail
        if record.cluster == cluster and not record.is_certificate and handle in _handles(record)
    ]

    shown = view("keys", key=handle, cluster=cluster)

    rows = shown.panel("timeline")
    assert [(row["opcode"], row["hsm_id"]) for row in rows] == expected
    (opened,) = shown.records("timeline", _key=rows[0]["_key"])
    assert opened["opcode"] == rows[0]["opcode"]
    assert {row["key_handle"] for row in shown.panel("lives")} >= {handle}


def test_without_a_key_the_timeline_shows_how_to_choose_one(view: View) -> None:
    assert "Click a key" in view("keys").advice("timeline")


def _deletions(trail: list[Raw]) -> Iterator[list[tuple[float, str, bool]]]:
    """Runs of deletions by one session: time, handle, whether the key was older than an hour."""
    made: dict[tuple[str, str], float] = {}
    runs: dict[tuple[str, str | None], list[tuple[float, str, bool]]] = {}
    for record in _of_keys(trail):
        act = _ACTS[record.opcode]
        if record.failed or act not in (*_MADE, "destroyed"):
            continue
        for handle in _handles(record):
            if act != "destroyed":
                made[record.cluster, handle] = record.at
                continue
            by = (record.stream, record.session)
            if by in runs and record.at - runs[by][-1][0] > 300:
                yield runs.pop(by)
            is_lasting = record.at - made.get((record.cluster, handle), 0) > 3600
            runs.setdefault(by, []).append((record.at, handle, is_lasting))
    yield from runs.values()


def test_five_keys_deleted_by_one_session_are_shown(view: View, trail: list[Raw]) -> None:
    expected = Counter(
        (_shown(run[0][0]), len(keys), len({key for _at, key, is_lasting in run if is_lasting}))
        for run in _deletions(trail)
        if len(keys := {key for _at, key, _lasting in run}) >= 5
    )

    rows = view("keys").panel("deletions")

    assert Counter((row["time"], int(row["keys"]), int(row["lasting"])) for row in rows) == expected
    assert rows
    clicked = {name: rows[0][name] for name in ("cluster_id", "_who", "_from", "_to")}
    opened = view("keys").records("deletions", **clicked)
    assert len({row["key_handle"] for row in opened}) == int(rows[0]["keys"])
    assert {row["session_handle"] for row in opened} == {rows[0]["session_handle"]}


_HOSTILE = (
    '" OR 1=1 OR "',
    "\\",
    '\\" | delete',
    "[| inputlookup x]",
    "`a`",
    ".*",
    "%",
    "?*",
    "$x$",
)


@pytest.mark.parametrize("text", [*_HOSTILE, "0x", "0", "-1", "1e3"])
def test_what_somebody_types_as_a_handle_is_compared_and_never_run(view: View, text: str) -> None:
    shown = view("keys", key=text)

    assert [shown.value(name) for name in ("made", "exported", "destroyed", "refused")] == ["0"] * 4
    for table in ("exports", "lives", "timeline", "deletions"):
        assert shown.advice(table)
    assert not shown.records("made")


def test_a_handle_may_be_typed_as_the_tools_of_aws_print_it(view: View) -> None:
    handle = str(view("keys").panel("exports")[0]["key"])
    plain = view("keys", key=handle)

    for typed in (f"0x{int(handle):016x}", f"0X{int(handle):X}", f" {handle} "):
        assert view("keys", key=typed).panel("timeline") == plain.panel("timeline")
    assert not plain.advice("timeline")


def test_a_wrapping_key_finds_the_exports_under_it(view: View) -> None:
    exports = view("keys").panel("exports")
    wrapping = next(row["wrapped_with"] for row in exports if row["wrapped_with"].isdigit())

    actual = view("keys", key=wrapping).panel("exports")

    assert actual == [row for row in exports if wrapping in (row["wrapped_with"], row["key"])]


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("keys")

    numbers = ("made", "exported", "destroyed", "refused")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("exports", "lives", "timeline", "deletions"):
        assert shown.advice(table)


# --- scenes: what does not happen in the sample trail


_START = 1_772_532_000


@pytest.fixture
def scene(shipped: App) -> Callable[..., Shown]:
    """The view over handwritten records; now is a day after their start."""

    def shown(*lines: dict[str, Any], generation: Generation = Generation.OLDER) -> Shown:
        events = write(map(from_mapping, lines), generation, start_usecs=_START * 1_000_000)
        session = Session(shipped, now=_START + 86_400)
        session.index(
            event for _at, event in ingest.records(shipped, ((_START, event) for event in events))
        )
        return Shown("keys", session)

    return shown


def _wrap(at: str, secret: int, **others: object) -> dict[str, Any]:
    return {"at": at, "opcode": "CN_WRAP_KEY", "secret": secret, **others}


def _with(at: str, secret: int, **others: object) -> dict[str, Any]:
    return {"at": at, "opcode": "CN_NIST_AES_WRAP", "secret": secret, **others}


def test_a_wrapping_key_counts_only_right_after_in_the_same_session(
    scene: Callable[..., Shown],
) -> None:
    shown = scene(
        *(_wrap("0s", 1), _with("1s", 901)),
        *(_wrap("10s", 2), {"at": "11s", "opcode": "CN_LOGIN", "user": "eve"}, _with("12s", 902)),
        *(_wrap("20s", 3), _with("21s", 903, session=0x99)),
        *(_wrap("30s", 4), _with("31s", 904, hsm="b")),
        *(_wrap("40s", 5), _with("41s", 905, lost=1)),
        *(_with("50s", 906), _wrap("51s", 6)),
        *(_wrap("60s", 7), _with("61s", 907, reboot_counter=0xE9)),
    )

    actual = {row["key"]: row["wrapped_with"] for row in shown.panel("exports")}

    assert actual == {"1": "901"} | {str(key): "not recorded" for key in range(2, 8)}


def test_a_reused_handle_is_a_new_key(scene: Callable[..., Shown]) -> None:
    shown = scene(
        {"at": "0s", "opcode": "CN_GENERATE_KEY", "secret": 77},
        _wrap("1m", 77),
        {"at": "2m", "opcode": "CN_DESTROY_OBJECT", "secret": 77},
        {"at": "3m", "opcode": "CN_UNWRAP_KEY", "secret": 77},
    )

    (row,) = shown.panel("lives")

    assert (row["state"], row["times_made"], row["exports"]) == ("exists", "2", "1")
    assert row["made"] == _shown(_START + 180)
    assert sorted(row["made_by"]) == ["generated", "unwrapped"]


def test_a_handle_of_another_cluster_is_another_key(scene: Callable[..., Shown]) -> None:
    shown = scene(
        {"opcode": "CN_GENERATE_KEY", "secret": 77},
        {"opcode": "CN_DESTROY_OBJECT", "secret": 77, "cluster": "other", "hsm": "d"},
    )

    assert sorted(row["state"] for row in shown.panel("lives")) == ["destroyed", "exists"]


def test_session_keys_of_an_application_come_after_lasting_keys(
    scene: Callable[..., Shown],
) -> None:
    run = {"rising": 1, "repeat": 8, "every": "10s"}
    shown = scene(
        {"opcode": "CN_GENERATE_KEY", "secret": 100, "session": 0x11, **run},
        {"at": "20m", "opcode": "CN_DESTROY_OBJECT", "secret": 100, "session": 0x11, **run},
        {"opcode": "CN_DESTROY_OBJECT", "secret": 500, "session": 0x22, **run | {"repeat": 5}},
        {"opcode": "CN_DESTROY_OBJECT", "secret": 600, "session": 0x33, **run | {"repeat": 4}},
    )

    actual = [
        (row["session_handle"], row["keys"], row["lasting"]) for row in shown.panel("deletions")
    ]

    assert actual == [("0x22", "5", "5"), ("0x11", "8", "0")]


def test_forged_lines_of_a_record_add_nothing_to_the_counts(scene: Callable[..., Shown]) -> None:
    forged = "x\nOpcode : CN_WRAP_KEY (0x1a)\nSession Handle : 0x1\nPriv/Secret Key Handle : 9"
    shown = scene({"opcode": "CN_LOGIN", "user": forged}, _wrap("1s", 5), _with("2s", 6))

    assert shown.value("exported") == "1"
    assert [(row["key"], row["wrapped_with"]) for row in shown.panel("exports")] == [("5", "6")]
    assert sum(int(row["records"]) for row in shown.panel("totals")) == 2
