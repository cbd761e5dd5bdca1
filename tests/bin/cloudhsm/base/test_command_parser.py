from __future__ import annotations

import pytest

from cloudhsm.base.command_parser import CommandParser


def _parser() -> CommandParser:
    parser = CommandParser("tool.py", "One\n  two")
    parser.add_argument("file")
    parser.add_argument("--count", type=int)
    return parser


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: file"),
        (["x", "--count", "a\nb"], r"argument --count: invalid int value: 'a\nb'"),
        (["x", "--no-such"], "unrecognized arguments: --no-such"),
        (["x", "y\nz"], "unrecognized arguments: y z"),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_correct_form(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        _parser().parse_args(arguments)
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line == f"tool.py: {text}; usage: tool.py [-h] [--count COUNT] file\n"


def test_a_long_usage_is_replaced_by_the_command_that_prints_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = CommandParser("tool.py")
    for number in range(20):
        parser.add_argument(f"--option-{number}")
    with pytest.raises(SystemExit):
        parser.parse_args(["x"])
    line = capsys.readouterr().err
    assert line == "tool.py: unrecognized arguments: x; usage: tool.py --help\n"


def test_a_command_of_a_command_has_the_same_errors_and_its_help_keeps_line_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = CommandParser("tool.py", "One\n  two")
    parser.add_subparsers().add_parser("part", help="x").add_argument("--size", type=int)
    with pytest.raises(SystemExit):
        parser.parse_args(["part", "--size", "x"])
    assert capsys.readouterr().err.startswith("tool.py part: argument --size: invalid int")
    assert "One\n  two" in parser.format_help()
