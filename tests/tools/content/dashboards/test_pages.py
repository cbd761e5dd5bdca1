"""The page of the manual that follows from the views."""

from __future__ import annotations

from pathlib import Path

from tools.content.dashboards.manual_page import PAGE
from tools.content.dashboards.pages import pages


def test_the_manual_has_each_view_with_its_question_inputs_and_panels(root: Path) -> None:
    text = pages(root)[PAGE]

    assert text.startswith("<!-- generated from dashboards/*.yml by make generate -->\n")
    assert "\nOne view" in text
    assert "## Doors\n\n*Who comes in?*" in text
    assert "Inputs: Time range, Cluster, HSM, Door, Way." in text
    assert "| Failed logins |  | the records |" in text
    assert "| Who | Everybody | `cloudhsm_doors` |" in text


def test_a_pipe_in_a_text_does_not_end_its_cell(root: Path) -> None:
    path = root / "dashboards" / "doors.yml"
    path.write_text(path.read_text().replace("about: Everybody", "about: Every|body"))

    assert "| Who | Every\\|body |" in pages(root)[PAGE]
