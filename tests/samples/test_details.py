from __future__ import annotations

import pytest

from samples import codes
from samples.codes import Coded
from samples.details import (
    MINIMAL,
    ActingUser,
    BackupStep,
    ClockReading,
    Detail,
    KeyHandles,
    ManagedUser,
    OneHandle,
    Provenance,
    Sharing,
    log_type_and_lines,
    provenance,
)
from samples.layout import Generation

OLDER, NEWER = Generation.OLDER, Generation.NEWER
USER = ActingUser("bob", codes.CRYPTO_USER)
TARGET = ManagedUser("bob", codes.CRYPTO_USER, 9)

TYPE = "CN_CRYPTO_USER (1)"

LINES: list[tuple[Detail, Generation, str, str]] = [
    (USER, NEWER, "USER_AUTH_LOG", f"User Name=bob|User Type={TYPE}|Mfa enabled=No"),
    (TARGET, OLDER, "MGMT_USER_DETAILS_LOG", f"User Name=bob|User Type={TYPE}"),
    (
        TARGET,
        NEWER,
        "USER_MANAGE_LOG",
        f"Target User Name=bob|Target User Type={TYPE}|Target User id=9",
    ),
    (
        KeyHandles(8, 7),
        NEWER,
        "KEY_DETAILS_LOG",
        "Public Key Handle=7|Priv/Secret Key Handle=8",
    ),
    (OneHandle(9), NEWER, "MGMT_KEY_DETAILS_LOG", "Public Key Handle=0|Key Handle=9"),
    (
        Sharing(8, codes.UNSHARE, 9),
        NEWER,
        "KEY_DETAILS_LOG",
        "Key Handle=8|Operation=UNSHARE (0)|Number of Users=1|UserIDs=9",
    ),
    (BackupStep(), NEWER, "PARTITION_BACKUP_RESTORE_LOG", ""),
    (BackupStep(), OLDER, "MINIMAL_LOG_ENTRY", ""),
    (MINIMAL, NEWER, "MINIMAL_LOG_ENTRY", ""),
]


@pytest.mark.parametrize(("detail", "generation", "log_type", "lines"), LINES)
def test_each_detail_has_its_log_type_and_lines(
    detail: Detail, generation: Generation, log_type: str, lines: str
) -> None:
    printed_type, printed_lines = log_type_and_lines(detail, generation, usecs=0)
    assert printed_type.name == log_type
    assert "|".join(f"{key}={value}" for key, value in printed_lines) == lines


def test_the_clock_lines_are_those_of_the_published_fragment() -> None:
    reading = ClockReading(host_ahead_usecs=2_225, delay_usecs=39)
    log_type, lines = log_type_and_lines(reading, NEWER, usecs=1650658398189504)
    assert (log_type.name, log_type.code) == ("TIME_INFO_LOG", 16)
    # The published fragment shows the day as 04/30/22: its author edited the readable date.
    assert lines == (
        ("local time", "04/22/22 20:13:18.189504, usec:1650658398189504"),
        ("host time", "04/22/22 20:13:18.191729 usec:1650658398191729"),
        ("propagation delay", "usec:39"),
    )


@pytest.mark.parametrize(
    ("generation", "opcode", "detail"),
    [
        (NEWER, codes.LOGIN, USER),
        (NEWER, codes.INIT_TOKEN, MINIMAL),
        (OLDER, codes.APPROVE_TOKEN, USER),
        (OLDER, codes.APP_FINALIZE, USER),
        (OLDER, codes.TOMBSTONE_OBJECT, OneHandle(1)),
        (OLDER, codes.BACKUP_BEGIN, BackupStep()),
        (OLDER, codes.UNKNOWN_OPCODE, ClockReading(1, 1)),
        (OLDER, codes.UNLISTED, MINIMAL),
    ],
)
def test_a_layout_without_a_published_record_is_inferred(
    generation: Generation, opcode: Coded, detail: Detail
) -> None:
    assert provenance(generation, opcode, detail) is Provenance.INFERRED
