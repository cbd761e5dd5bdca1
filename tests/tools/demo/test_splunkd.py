from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tools.demo.splunkd import configuration, run_input

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF))


@given(PRINTABLE, PRINTABLE)
def test_a_value_arrives_in_the_document_as_it_was_given(name: str, value: str) -> None:
    document = ET.fromstring(configuration(name, {"key": value}, Path("/c")))
    stanza = document.find("configuration/stanza")
    assert stanza is not None
    assert stanza.get("name") == name
    assert (stanza.findtext("param") or "") == value
    assert document.findtext("checkpoint_dir") == "/c"


def app(folder: Path, script: str) -> Path:
    (folder / "bin").mkdir()
    (folder / "bin" / "aws_cloudhsm.py").write_text(script)
    return folder


def test_what_a_run_prints_logs_and_returns_is_kept(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "print('<stream><event/>' + sys.stdin.read() + '</event></event></stream>')\n"
        "print('ERROR bad', os.environ['AWS_X'], file=sys.stderr)\n"
        "sys.exit(3)\n"
    )
    counts: list[int] = []
    run = run_input(app(tmp_path, script), "<input/>", {"AWS_X": "1"}, counts.append)
    assert run.events_xml.startswith(b"<stream><event/><input/>")
    assert (run.log, run.exit_status, counts[-1]) == ("ERROR bad 1\n", 3, 2)


def test_an_event_end_that_is_cut_between_two_reads_is_counted(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "for part in ('<event></ev', 'ent>'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.2)\n"
    )
    counts: list[int] = []
    run_input(app(tmp_path, script), "", {}, counts.append)
    assert counts[-1] == 1
