"""`python -m tools.content.detections`: reads all detections and runs them over their samples."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.errors import EmulatorError
from samples.command_parser import CommandParser
from tools.content.detections import ingest
from tools.content.detections.expected_alerts import review
from tools.content.detections.schema import read_detections
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all is well; 1, and a line for each fault with file and line, if not."""
    parser = CommandParser(prog="python -m tools.content.detections", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    options = parser.parse_args(arguments)
    try:
        detections = read_detections(options.root)
        problems = list(review(options.root, ingest.load(options.root), detections))
    except (MappingError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 1
    for fault in problems:
        print(fault, file=sys.stderr)
    samples = sum(len(detection.fires) + len(detection.silent) for detection in detections)
    print(f"{len(detections)} detections, {samples} samples, {len(problems)} faults")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
