"""The command that prints records as JSON lines, compared with one regex and json.dumps."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from tools.bench.normalization import LEAST_MATCHED, sampled
from tools.bench.parts import Extent, ratio
from tools.bench.programs import ROOT, BenchProblem, Measured, Python, run

COMMAND = ROOT / "bin" / "aws_cloudhsm_normalize.py"
BASELINE = Path(__file__).with_name("one_regex_to_json.py")
FORMATS = ("fields", "cim", "ocsf", "ecs")
_WEEK = 6_000  # more than the trail has
_MARK = b"\n"  # of a line of JSON
_PLACE = ("--stream", "hsm-nwbbiqbj4jk", "--group", "/aws/cloudhsm/cluster-likphkxygsn")


def command(python: Python, extent: Extent) -> Iterator[str]:
    """Records per second in every form, and as a share of what the baseline does.

    Both are whole processes that read one file: the sample trail, hostile names and all, again and
    again. Raises BenchProblem where one of them prints too little.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.log"
        records = _written(file, extent.records)
        baseline = [str(python.executable), str(BASELINE), str(file)]
        for form in FORMATS:
            ours = [str(python.executable), str(COMMAND), "--quiet", "--format", form, *_PLACE]
            theirs, mine = [], []
            for _ in range(extent.rounds):
                theirs.append(_enough(run(baseline, mark=_MARK), records, "the regex"))
                mine.append(_enough(run([*ours, str(file)], mark=_MARK), records, "the command"))
            yield _summary(form, records, theirs, mine)


def _written(file: Path, count: int) -> int:
    texts = [record for habit in sampled(min(count, _WEEK)) for record in habit.records]
    file.write_text("\n".join(islice(cycle(texts), count)) + "\n", "utf-8")
    return count


def _enough(done: Measured, records: int, who: str) -> Measured:
    if not LEAST_MATCHED * records <= done.records <= records:
        raise BenchProblem(f"{who} printed {done.records} of {records} records: {done.log}")
    return done


def _summary(form: str, records: int, theirs: Sequence[Measured], ours: Sequence[Measured]) -> str:
    seconds = statistics.median(done.seconds for done in ours)
    return (
        f"{form}: {records / seconds:,.0f} records/s, {ratio([*theirs], [*ours])} times as fast as "
        "one regex that prints JSON"
    )
