"""The baseline of the part `command`: one regex over a file of records, each printed as JSON.

    python one_regex_to_json.py FILE

What people write in an afternoon: it cuts records up and knows nothing of what they mean. Names
with line ends, torn records and other layouts are left out.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

_CODED = r"(?P<{0}>\S+) \((?P<{0}_code>\S+)\)"


def _line(key: str, value: str) -> str:
    return rf"{key}[ \t]*: ?{value}\n"


def _optional(key: str, name: str) -> str:
    return f"(?:{_line(key, f'(?P<{name}>.*)')})?"


_OPCODE = _line("Opcode", _CODED)
RECORD = re.compile(
    r"Time: (?P<time>[^,]+), usecs:(?P<usecs>\d+)\n"
    + _optional("Version No", "record_version")
    + _line("Sequence No", r"(?P<sequence_no>\S+)")
    + _line("Reboot counter", r"(?P<reboot_counter>\S+)")
    + f"(?:{_OPCODE.format('opcode')})?"
    + _line(r"Command Type\(hex\)", _CODED).format("command_type")
    + f"(?:{_OPCODE.format('late_opcode')})?"
    + _optional("User id", "user_id")
    + _line("Session Handle", r"(?P<session_handle>\S+)")
    + _line("Response", r"(?P<response_code>\d+):(?P<label>HSM \w+): (?P<response>.*)")
    + _line("Log type", _CODED).format("log_type")
    + _optional("Public Key Handle", "public_key_handle")
    + _optional("Priv/Secret Key Handle", "private_key_handle")
    + _optional("Public Key Handle", "late_public_key_handle")
    + _optional("Key Handle", "object_handle")
    + _optional("User Name", "user_name")
    + _optional("User Type", "user_type")
    + _optional("Mechanism", "mechanism")
    + _optional("Target User Name", "target_user_name")
    + _optional("Target User Type", "target_user_type")
    + _optional("Target User id", "target_user_id")
    + _optional("Mfa enabled", "mfa_enabled")
)


def main(file: str) -> None:
    """Prints a line for each record that it finds."""
    for match in RECORD.finditer(Path(file).read_text("utf-8")):
        print(json.dumps(match.groupdict()))


if __name__ == "__main__":
    main(sys.argv[1])
