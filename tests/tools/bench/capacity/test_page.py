"""docs/capacity.md follows from the model and from what was measured."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tools.bench.capacity import __main__ as capacity
from tools.bench.capacity import measured, model, page, schema
from tools.bench.capacity.measured import Measured, MeasurementProblem
from tools.bench.capacity.model import Workload
from tools.content.conf_blocks import BlockProblem

ROOT = Path(__file__).resolve().parents[4]
FACTS = schema.read(ROOT)
MEASURED = measured.read()
RATES = measured.rates(MEASURED)
TEXT = (ROOT / page.PAGE).read_text(encoding="utf-8")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with all that the page is made of."""
    for name in (page.PAGE, schema.FILE, "tools/bench/capacity/measured.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def test_the_committed_page_is_what_the_model_says() -> None:
    assert capacity.main(["page", "--check"]) == 0


def test_another_size_makes_the_page_differ_until_it_is_written(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source / schema.FILE
    path.write_text(path.read_text().replace("value: 5120", "value: 51200"), encoding="utf-8")
    assert capacity.main(["page", "--check", "--root", str(source)]) == 1
    assert (
        "differs from what it is generated from; run: python -m tools.bench.capacity page"
        in capsys.readouterr().err
    )
    assert capacity.main(["page", "--root", str(source)]) == 0
    assert capacity.main(["page", "--check", "--root", str(source)]) == 0


def test_the_bench_is_shown_as_a_table_and_foreign_lines_are_refused(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = source / page.BENCH
    kept.write_text("speed, Python 3.13: 9 records/s, 2.00 [1.00-3.00] times as fast\n\n")
    assert capacity.main(["page", "--root", str(source)]) == 0
    told = "| speed | 3.13 | 9 records/s, 2.00 [1.00-3.00] times as fast |"
    assert told in (source / page.PAGE).read_text(encoding="utf-8")
    kept.write_text("make: nothing to be done\n")
    assert capacity.main(["page", "--root", str(source)]) == 1
    assert f"{page.BENCH}:1: is no line of `make bench`" in capsys.readouterr().err


def test_a_page_without_a_marker_names_it() -> None:
    torn = TEXT.replace(f"<!-- limits: written by `{page.COMMAND}` -->", "")
    with pytest.raises(BlockProblem, match="needs the lines <!-- limits: written by"):
        page.page(torn, FACTS, MEASURED, RATES)


def test_every_table_has_as_many_cells_in_each_row() -> None:
    for name, lines in page.blocks(FACTS, MEASURED, RATES, "speed, Python 3.9: x").items():
        assert len({line.count("|") for line in lines}) == 1, name
        assert len(lines) > 2


def test_the_way_is_pull_then_a_longer_interval_then_push() -> None:
    quiet = replace(page.USUAL, records_per_day=100)
    most = model.most_clusters(quiet, FACTS)
    assert page.way(replace(quiet, clusters=most), FACTS, RATES) == "pull"
    more = page.way(replace(quiet, clusters=most + 1), FACTS, RATES)
    assert more == "pull, `interval = 120`; or push"
    slow = replace(quiet, interval_s=page.LONGEST_INTERVAL_S)
    beyond = model.most_clusters(slow, FACTS) + 1
    assert page.way(replace(quiet, clusters=beyond), FACTS, RATES) == "push"
    assert page.way(replace(slow, clusters=beyond), FACTS, RATES) == "push"


def test_much_memory_is_spread_over_forwarders_where_there_are_groups_to_spread() -> None:
    """A kilobyte for each id, and four million of them."""
    rates = RATES._replace(id_mb=1e-3, asked_id_mb=1e-3, base_mb=0, stream_mb=0)
    many = replace(page.USUAL, clusters=20, hsms=4, records_per_day=40_000, horizon_h=24)
    assert page.way(many, FACTS, rates) == "pull, 2 forwarders; or push"
    assert page.way(replace(many, horizon_h=12), FACTS, rates) == "pull"
    one = replace(many, clusters=1, hsms=1, records_per_day=2_000_000)
    assert model.reading(one, FACTS).fits
    assert page.way(one, FACTS, rates) == "push"


def test_rates_follow_from_the_polls() -> None:
    assert 0 < RATES.repeat_cpu_s < RATES.record_cpu_s < RATES.group_cpu_s < RATES.start_cpu_s
    still = [poll for poll in MEASURED.fleet["polls"] if poll["kind"] == "still"][-1]
    streams = MEASURED.fleet["asked"]["clusters"] * MEASURED.fleet["asked"]["hsms"]
    ids = MEASURED.fleet["records"]
    size = streams * RATES.stream_state_bytes + 2 * model.ID_BYTES * ids
    assert size == pytest.approx(still["state_bytes"])


def test_a_simulation_that_no_rate_was_taken_from_comes_out_as_foretold() -> None:
    check = MEASURED.check
    groups, kept = check["asked"]["clusters"], check["records"]
    # As many ids as this workload keeps over a day and a quarter.
    work = Workload(groups, check["asked"]["hsms"], kept / groups / 1.25)
    (sweep,) = [poll for poll in check["polls"] if poll["kind"] == "sweep"]
    assert model.state_bytes(work, RATES) == pytest.approx(sweep["state_bytes"], rel=0.05)
    assert model.memory_mb(work, RATES) == pytest.approx(sweep["peak_mb"], rel=0.25)
    cpu_s = (
        RATES.start_cpu_s
        + groups * RATES.group_cpu_s
        + kept * RATES.id_cpu_s
        + sweep["repeats"] * RATES.repeat_cpu_s
    )
    assert cpu_s == pytest.approx(sweep["cpu_s"], rel=0.25)


def test_measurements_that_cannot_be_used_name_the_command(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    with pytest.raises(MeasurementProblem, match="run `python -m tools"):
        measured.read(path)
    path.write_text(json.dumps({"day": "today"}))
    with pytest.raises(MeasurementProblem, match="missing 5 required"):
        measured.read(path)
    path.write_text("{")
    with pytest.raises(MeasurementProblem, match=r"measured\.json: "):
        measured.read(path)
    torn = asdict(MEASURED)
    torn["dense"] = {**torn["dense"], "polls": []}
    with pytest.raises(MeasurementProblem, match="what rates need is missing"):
        measured.rates(Measured(**torn))
