"""The text of audit records for the stories, written independently of `samples`. Pure.

Published layout: the examples of the AWS CloudHSM user guide, "Interpreting HSM audit logs".
Inferred layout: the order of lines that the parser of AWS's SIEM on OpenSearch accepts; no complete
record of it is public. Codes that are not public are 0x9e00 and higher.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

_EPOCH = datetime(1970, 1, 1)  # records print UTC and name no zone
_OPCODES = {
    "CN_INIT_TOKEN": 0x1,
    "CN_CREATE_USER": 0x3,
    "CN_CREATE_CO": 0x4,
    "CN_CHANGE_PSWD": 0x9,
    "CN_LOGIN": 0xD,
    "CN_LOGOUT": 0xE,
    "CN_DESTROY_OBJECT": 0x11,
    "CN_SHARE_OBJECT": 0x12,
    "CN_GENERATE_KEY": 0x17,
    "CN_GENERATE_KEY_PAIR": 0x19,
    "CN_WRAP_KEY": 0x1A,
    "CN_UNWRAP_KEY": 0x1B,
    "CN_NIST_AES_WRAP": 0x1E,
    "CN_DELETE_USER": 0xA1,
    "CN_EXTRACT_MASKED_OBJECT_USER": 0xF0,
    "CN_INSERT_MASKED_OBJECT_USER": 0xF1,
    "END_MARKER_OPCODE": 0xFFFF,
}
_USER_TYPES = {
    "CN_CRYPTO_USER": 1,
    "CN_CRYPTO_OFFICER": 2,
    "CN_APPLIANCE_USER": 5,
    "CN_CRYPTO_PRE_OFFICER": 6,
}
_MANAGED = {
    "CN_CREATE_USER",
    "CN_CREATE_CO",
    "CN_DELETE_USER",
    "CN_CHANGE_PSWD",
}


class Layout(str, Enum):
    """The two sets of lines in which HSMs print a record."""

    PUBLISHED = "published"
    INFERRED = "inferred"


@dataclass(frozen=True)
class RecordText:
    """What a record states. `user_id` is the acting user's number, `handle` a key's; 0: none."""

    usecs: int
    sequence: int
    opcode: str
    session: int
    response: str = "0:HSM Return: SUCCESS"
    reboot_counter: int = 0x1A
    user: str = ""
    user_type: str = "CN_CRYPTO_USER"
    user_id: int = 0
    target_id: int = 0
    handle: int = 0

    def in_layout(self, layout: Layout) -> str:
        """The complete text, without a line end after the last line."""
        lines = self._published() if layout is Layout.PUBLISHED else self._inferred()
        time = (_EPOCH + timedelta(microseconds=self.usecs)).strftime("%m/%d/%y %H:%M:%S.%f")
        return "\n".join([f"Time: {time}, usecs:{self.usecs}", *lines])

    @property
    def _opcode(self) -> str:
        stand_in = 0x9E00 + zlib.crc32(self.opcode.encode()) % 0xFF
        return f"{self.opcode} (0x{_OPCODES.get(self.opcode, stand_in):x})"

    def _published(self) -> list[str]:
        lines = [
            f"Sequence No : 0x{self.sequence:x}",
            f"Reboot counter : 0x{self.reboot_counter:x}",
            "Command Type(hex) : CN_MGMT_CMD (0x0)",
            f"Opcode : {self._opcode}",
            f"Session Handle : 0x{self.session:x}",
            f"Response : {self.response}",
        ]
        if self.user:
            user_type = f"User Type : {self.user_type} ({_USER_TYPES[self.user_type]})"
            details = [f"User Name : {self.user}", user_type]
            return [*lines, "Log type : MGMT_USER_DETAILS_LOG (2)", *details]
        if self.handle:
            handles = [f"Priv/Secret Key Handle : {self.handle}", "Public Key Handle : 0"]
            return [*lines, "Log type : MGMT_KEY_DETAILS_LOG (1)", *handles]
        return [*lines, "Log type : MINIMAL_LOG_ENTRY (0)"]

    def _inferred(self) -> list[str]:
        lines = [
            "Version No : 1",
            f"Sequence No\t\t: 0x{self.sequence:x}",
            f"Reboot counter\t\t: 0x{self.reboot_counter:x}",
            f"Opcode\t\t\t: {self._opcode}",
            "Command Type(hex)\t: CN_MGMT_CMD (0x0)",
            *([f"User id\t\t\t: {self.user_id}"] if self.user_id else []),
            f"Session Handle\t\t: 0x{self.session:x}",
            f"Response\t\t: {self.response}",
        ]
        if self.user and self.opcode in _MANAGED:
            return [
                *(*lines, "Log type\t\t: USER_MANAGE_LOG (951)"),
                f"Target User Name\t: {self.user}",
                f"Target User Type\t: {self.user_type} ({_USER_TYPES[self.user_type]})",
                f"Target User id\t\t: {self.target_id}",
            ]
        if self.user:
            return [
                *(*lines, "Log type\t\t: USER_AUTH_LOG (950)"),
                f"User Name\t\t: {self.user}",
                f"User Type\t\t: {self.user_type} ({_USER_TYPES[self.user_type]})",
            ]
        if self.handle:
            handles = ["Public Key Handle\t: 0", f"Priv/Secret Key Handle\t: {self.handle}"]
            return [*lines, "Log type\t\t: KEY_DETAILS_LOG (952)", *handles]
        return [*lines, "Log type\t\t: MINIMAL_LOG_ENTRY (0)"]
