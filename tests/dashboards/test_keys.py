"""Keys: what happened to them, and did any leave?"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timezone

import yaml

from tests.dashboards.conftest import ROOT, View
from tests.dashboards.reading import Raw

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
    one["name"]: one["category"]
    for one in yaml.safe_load((ROOT / "mappings/opcodes.yaml").read_text())
}


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _of_keys(trail: list[Raw]) -> list[Raw]:
    return [one for one in trail if _CATEGORIES.get(one.opcode) == "Key Management"]


def _handles(record: Raw) -> list[str]:
    names = ("Priv/Secret Key Handle", "Public Key Handle", "Key Handle")
    return list({record.lines[name] for name in names if record.lines.get(name, "0") != "0"})


def test_every_operation_upon_keys_has_an_act() -> None:
    assert set(_ACTS) == {name for name, one in _CATEGORIES.items() if one == "Key Management"}


def test_acts_are_counted_without_those_that_failed(view: View, trail: list[Raw]) -> None:
    shown = view("keys")
    done = Counter(_ACTS[one.opcode] for one in _of_keys(trail) if not one.failed)
    wanted = {
        "made": sum(done[act] for act in _MADE),
        "exported": done["exported"],
        "destroyed": done["destroyed"],
        "refused": sum(1 for one in _of_keys(trail) if one.failed),
    }

    for name, count in wanted.items():
        assert int(shown.value(name)) == count > 0
        assert len(shown.records(name)) == count


def test_the_charts_hold_every_act_and_copies_of_the_cluster_only_in_the_bars(
    view: View, trail: list[Raw]
) -> None:
    wanted = Counter(_ACTS[one.opcode] for one in _of_keys(trail))

    bars = {row["act"]: int(row["records"]) for row in view("keys").panel("totals")}
    columns: Counter[str] = Counter()
    for row in view("keys").panel("by_act"):
        columns.update({k: int(v) for k, v in row.items() if not k.startswith("_")})

    assert bars == wanted
    assert columns == {act: n for act, n in wanted.items() if act != "copied in the cluster"}


def test_an_export_names_the_wrapping_key_of_the_record_right_behind_it(
    view: View, trail: list[Raw]
) -> None:
    following = {
        (one.stream, one.lines["Reboot counter"], one.sequence): one for one in _hsm(trail)
    }
    wanted = Counter[tuple[str, str, str, str]]()
    for one in _of_keys(trail):
        if one.opcode != "CN_WRAP_KEY":
            continue
        behind = following.get((one.stream, one.lines["Reboot counter"], one.sequence + 1))
        pairs = (
            behind is not None
            and behind.opcode == "CN_NIST_AES_WRAP"
            and behind.session == one.session
        )
        with_key = _handles(behind)[0] if behind and pairs else "not recorded"
        wanted[_shown(one.at), one.stream, _handles(one)[0], with_key] += 1

    rows = view("keys").panel("exports")

    found = Counter((r["time"], r["hsm_id"], r["key"], r["wrapped_with"]) for r in rows)
    assert found == wanted
    assert "not recorded" in {key for *_others, key in found}
    assert len({key for *_others, key in found}) > 1
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)


def _hsm(trail: list[Raw]) -> list[Raw]:
    return [one for one in trail if "Sequence No" in one.lines and "Reboot counter" in one.lines]


def test_the_life_of_each_key_has_its_first_and_last_acts(view: View, trail: list[Raw]) -> None:
    lives: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in _of_keys(trail):
        act = _ACTS[one.opcode]
        if not one.failed and act not in ("used to wrap", "copied in the cluster"):
            for handle in _handles(one):
                lives[one.cluster, handle][act].append(one.at)

    rows = view("keys").panel("lives")

    assert {(row["cluster_id"], row["key_handle"]) for row in rows} == set(lives)
    for row in rows:
        acts = lives[row["cluster_id"], row["key_handle"]]
        births = [at for act in _MADE for at in acts[act]]
        assert row.get("made") == (_shown(min(births)) if births else None)
        for act in ("shared", "changed", "exported", "destroyed"):
            assert row.get(act) == (_shown(max(acts[act])) if acts[act] else None)
        assert int(row["exports"]) == len(acts["exported"])
        gone = bool(acts["destroyed"]) and max(acts["destroyed"]) >= min(births, default=0)
        assert row["state"] == (
            "destroyed" if gone else "exported" if acts["exported"] else "exists"
        )
    states = [row["state"] for row in rows]
    assert states.index("destroyed") > max(at for at, one in enumerate(states) if one == "exported")


def test_one_key_has_its_records_in_order(view: View, trail: list[Raw]) -> None:
    row = view("keys").panel("lives")[0]
    cluster, handle = str(row["cluster_id"]), str(row["key_handle"])
    wanted = [
        (one.opcode, one.stream)
        for one in trail
        if one.cluster == cluster and not one.is_certificate and handle in _handles(one)
    ]

    shown = view("keys", key=handle, cluster=cluster)

    rows = shown.panel("timeline")
    assert [(one["opcode"], one["hsm_id"]) for one in rows] == wanted
    (opened,) = shown.records("timeline", _key=rows[0]["_key"])
    assert opened["opcode"] == rows[0]["opcode"]
    assert {one["key_handle"] for one in shown.panel("lives")} >= {handle}


def test_without_a_key_the_timeline_says_how_to_choose_one(view: View) -> None:
    assert "Click a key" in view("keys").advice("timeline")


def test_five_keys_deleted_in_a_row_by_one_session_are_told(view: View, trail: list[Raw]) -> None:
    bursts: dict[tuple[str, str | None], list[list[Raw]]] = defaultdict(list)
    for one in _of_keys(trail):
        if _ACTS[one.opcode] != "destroyed" or one.failed:
            continue
        runs = bursts[one.stream, one.session]
        if not runs or one.at - runs[-1][-1].at > 300:
            runs.append([])
        runs[-1].append(one)
    wanted = {
        (stream, session, _shown(run[0].at), len({key for one in run for key in _handles(one)}))
        for (stream, session), runs in bursts.items()
        for run in runs
        if len({key for one in run for key in _handles(one)}) >= 5
    }

    rows = view("keys").panel("deletions")

    assert {
        (row["hsm_id"], row["session_handle"], row["time"], int(row["keys"])) for row in rows
    } == wanted
    assert rows
    clicked = {name: rows[0][name] for name in ("hsm_id", "session_handle", "_from", "_to")}
    opened = view("keys").records("deletions", **clicked)
    assert len({row["key_handle"] for row in opened}) == int(rows[0]["keys"])


def test_over_nothing_numbers_are_0_and_tables_say_what_to_do(empty_view: View) -> None:
    shown = empty_view("keys")

    numbers = ("made", "exported", "destroyed", "refused")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("exports", "lives", "timeline", "deletions"):
        assert shown.advice(table)
