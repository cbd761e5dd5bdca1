"""The published texts, re-created byte for byte.

Examples: AWS CloudHSM user guide, "Interpreting HSM audit logs"; the last one is a test fixture of
alphagov's CloudWatch decoder, without the newline at its end.
"""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import codes
from samples.codes import Coded, Response
from samples.details import (
    MINIMAL,
    ActingUser,
    Detail,
    KeyHandles,
    ManagedUser,
    OneHandle,
    Provenance,
    Sharing,
    log_type_and_lines,
    provenance,
)
from samples.layout import Generation, Record, Separator, render

OLDER, NEWER = Generation.OLDER, Generation.NEWER


def record(
    opcode: Coded,
    detail: Detail,
    *,
    usecs: int,
    numbers: tuple[int, int, int],
    generation: Generation = OLDER,
    response: Response = codes.SUCCESS,
    user_id: int | None = None,
) -> Record:
    sequence, reboots, session = numbers
    log_type, lines = log_type_and_lines(detail, generation, usecs)
    return Record(
        usecs,
        sequence,
        reboots,
        codes.MGMT_CMD,
        opcode,
        session,
        response,
        log_type,
        lines,
        user_id,
    )


def published(
    separator: Separator, opcode: Coded, detail: Detail, text: str, response: Response
) -> object:
    return pytest.param(separator, opcode, detail, response, text, id=opcode.name)


PUBLISHED = [
    published(
        Separator.SPACE,
        codes.INIT_TOKEN,
        MINIMAL,
        "Time: 12/19/17 21:01:16.962174, usecs:1513717276962174\n"
        "Sequence No : 0x0\n"
        "Reboot counter : 0xe8\n"
        "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        "Opcode : CN_INIT_TOKEN (0x1)\n"
        "Session Handle : 0x1004001\n"
        "Response : 0:HSM Return: SUCCESS\n"
        "Log type : MINIMAL_LOG_ENTRY (0)",
        codes.SUCCESS,
    ),
    published(
        Separator.SPACE,
        codes.CREATE_APPLIANCE_USER,
        ManagedUser("app_user", codes.APPLIANCE_USER, 2),
        "Time: 12/19/17 21:01:17.174902, usecs:1513717277174902\n"
        "Sequence No : 0x2\n"
        "Reboot counter : 0xe8\n"
        "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        "Opcode : CN_CREATE_APPLIANCE_USER (0xfc)\n"
        "Session Handle : 0x1004001\n"
        "Response : 0:HSM Return: SUCCESS\n"
        "Log type : MGMT_USER_DETAILS_LOG (2)\n"
        "User Name : app_user\n"
        "User Type : CN_APPLIANCE_USER (5)",
        codes.SUCCESS,
    ),
    published(
        Separator.NONE,
        codes.CHANGE_PSWD,
        ManagedUser("admin", codes.PRE_OFFICER, 1),
        "Time: 12/13/17 23:04:33.846554, usecs:1513206273846554\n"
        "Sequence No: 0x1d\n"
        "Reboot counter: 0xe8\n"
        "Command Type(hex): CN_MGMT_CMD (0x0)\n"
        "Opcode: CN_CHANGE_PSWD (0x9)\n"
        "Session Handle: 0x2010003\n"
        "Response: 0:HSM Return: SUCCESS\n"
        "Log type: MGMT_USER_DETAILS_LOG (2)\n"
        "User Name: admin\n"
        "User Type: CN_CRYPTO_PRE_OFFICER (6)",
        codes.SUCCESS,
    ),
    published(
        Separator.SPACE,
        codes.LOGIN,
        ActingUser("ExampleUser", codes.CRYPTO_USER),
        "Time: 01/24/18 17:41:39.037255, usecs:1516815699037255\n"
        "Sequence No : 0x4\n"
        "Reboot counter : 0x107\n"
        "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        "Opcode : CN_LOGIN (0xd)\n"
        "Session Handle : 0xc008002\n"
        "Response : 157:HSM Error: user isn't initialized or user with this name doesn't exist\n"
        "Log type : MGMT_USER_DETAILS_LOG (2)\n"
        "User Name : ExampleUser\n"
        "User Type : CN_CRYPTO_USER (1)",
        codes.USER_NOT_INITIALISED,
    ),
    published(
        Separator.SPACE,
        codes.LOGIN,
        ActingUser("testuser", codes.CRYPTO_USER),
        "Time: 01/24/18 17:44:25.013218, usecs:1516815865013218\n"
        "Sequence No : 0x5\n"
        "Reboot counter : 0x107\n"
        "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        "Opcode : CN_LOGIN (0xd)\n"
        "Session Handle : 0xc008002\n"
        "Response : 163:HSM Error: RET_USER_LOGIN_FAILURE\n"
        "Log type : MGMT_USER_DETAILS_LOG (2)\n"
        "User Name : testuser\n"
        "User Type : CN_CRYPTO_USER (1)",
        codes.LOGIN_FAILURE,
    ),
    published(
        Separator.NONE,
        codes.GENERATE_KEY_PAIR,
        KeyHandles(131079, 131078),
        "Time: 12/13/17 23:09:04.761594, usecs:1513206544761594\n"
        "Sequence No: 0x29\n"
        "Reboot counter: 0xe8\n"
        "Command Type(hex): CN_MGMT_CMD (0x0)\n"
        "Opcode: CN_GENERATE_KEY_PAIR (0x19)\n"
        "Session Handle: 0x2014004\n"
        "Response: 0:HSM Return: SUCCESS\n"
        "Log type: MGMT_KEY_DETAILS_LOG (1)\n"
        "Priv/Secret Key Handle: 131079\n"
        "Public Key Handle: 131078",
        codes.SUCCESS,
    ),
    published(
        Separator.NONE,
        codes.DESTROY_OBJECT,
        OneHandle(131078),
        "Time: 12/13/17 23:09:04.813977, usecs:1513206544813977\n"
        "Sequence No: 0x2a\n"
        "Reboot counter: 0xe8\n"
        "Command Type(hex): CN_MGMT_CMD (0x0)\n"
        "Opcode: CN_DESTROY_OBJECT (0x11)\n"
        "Session Handle: 0x2014004\n"
        "Response: 0:HSM Return: SUCCESS\n"
        "Log type: MGMT_KEY_DETAILS_LOG (1)\n"
        "Priv/Secret Key Handle: 131078\n"
        "Public Key Handle: 0",
        codes.SUCCESS,
    ),
    published(
        Separator.SPACE,
        codes.INSERT_MASKED,
        KeyHandles(262152),
        "Time: 01/24/18 00:39:30.408950, usecs:1516754370408950\n"
        "Sequence No : 0xe\n"
        "Reboot counter : 0x107\n"
        "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        "Opcode : CN_INSERT_MASKED_OBJECT_USER (0xf1)\n"
        "Session Handle : 0x7004003\n"
        "Response : 0:HSM Return: SUCCESS\n"
        "Log type : MGMT_KEY_DETAILS_LOG (1)\n"
        "Priv/Secret Key Handle : 262152\n"
        "Public Key Handle : 0",
        codes.SUCCESS,
    ),
    published(
        Separator.TAB,
        codes.SHARE_OBJECT,
        Sharing(1, codes.SHARE, 1),
        "Time: 02/08/19 19:35:39.480168, usecs:1549654539480168\n"
        "Sequence No\t: 0x3f\n"
        "Reboot counter\t: 0x38\n"
        "Command Type(hex)\t: CN_MGMT_CMD (0x0)\n"
        "Opcode\t: CN_SHARE_OBJECT (0x12)\n"
        "Session Handle\t: 0x3014007\n"
        "Response\t: 0:HSM Return: SUCCESS\n"
        "Log type\t: UNKNOWN_LOG_TYPE (5)",
        codes.SUCCESS,
    ),
    published(
        Separator.PADDING_TABS,
        codes.LOGIN,
        ActingUser("ahahah", codes.CRYPTO_USER),
        "Time: 02/18/19 12:13:50.326973, usecs:1550492030326973\n"
        "Sequence No\t\t: 0xd\n"
        "Reboot counter\t\t: 0xd\n"
        "Command Type(hex)\t: CN_MGMT_CMD (0x0)\n"
        "Opcode\t\t\t: CN_LOGIN (0xd)\n"
        "Session Handle\t\t: 0x2010005\n"
        "Response\t\t: 206:HSM Error: This user doesn't exist\n"
        "Log type\t\t: MGMT_USER_DETAILS_LOG (2)\n"
        "User Name\t\t: ahahah\n"
        "User Type\t\t: CN_CRYPTO_USER (1)",
        codes.USER_UNKNOWN,
    ),
]


def value(text: str, key: str) -> str:
    line = next(line for line in text.split("\n") if line.startswith(key))
    return line.partition(":")[2].strip()


@pytest.mark.parametrize(("separator", "opcode", "detail", "response", "text"), PUBLISHED)
def test_a_published_record_is_recreated_byte_for_byte(
    separator: Separator, opcode: Coded, detail: Detail, response: Response, text: str
) -> None:
    numbers = [int(value(text, key), 16) for key in ("Sequence", "Reboot", "Session")]
    again = record(
        opcode,
        detail,
        usecs=int(text.split("usecs:")[1].split("\n")[0]),
        numbers=(numbers[0], numbers[1], numbers[2]),
        response=response,
    )
    assert render(again, OLDER, separator) == text
    assert provenance(OLDER, opcode, detail) is Provenance.PUBLISHED


def test_the_newer_generation_prints_version_opcode_and_user_id_in_the_order_of_the_parser() -> (
    None
):
    text = render(
        record(
            codes.GENERATE_KEY_PAIR,
            KeyHandles(8, 7, mechanism=4160),
            usecs=0,
            numbers=(31, 2, 3),
            generation=NEWER,
            user_id=5,
        ),
        NEWER,
        Separator.SPACE,
    )
    assert [line.split(" :")[0].split(":")[0] for line in text.split("\n")] == [
        "Time",
        "Version No",
        "Sequence No",
        "Reboot counter",
        "Opcode",
        "Command Type(hex)",
        "User id",
        "Session Handle",
        "Response",
        "Log type",
        "Public Key Handle",
        "Priv/Secret Key Handle",
        "Mechanism",
    ]


def test_the_newer_generation_leaves_the_user_id_out_if_no_user_is_logged_in() -> None:
    newer = record(codes.LOGIN, MINIMAL, usecs=0, numbers=(0, 0, 0), generation=NEWER)
    assert "User id" not in render(newer, NEWER, Separator.SPACE)


@given(st.integers(0, 4_000_000_000_000_000))
def test_the_readable_time_is_the_same_instant_as_usecs(usecs: int) -> None:
    text = render(
        record(codes.LOGIN, MINIMAL, usecs=usecs, numbers=(0, 0, 0)), OLDER, Separator.NONE
    )
    seconds, fraction = divmod(usecs, 1_000_000)
    readable = datetime.fromtimestamp(seconds, timezone.utc).strftime("%m/%d/%y %H:%M:%S")
    assert text.startswith(f"Time: {readable}.{fraction:06d}, usecs:{usecs}\n")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.sampled_from(list(Separator)))
def test_counters_survive_a_round_trip_through_every_separator(
    sequence: int, reboots: int, separator: Separator
) -> None:
    text = render(
        record(codes.LOGIN, MINIMAL, usecs=0, numbers=(sequence, reboots, 1)), OLDER, separator
    )
    assert int(value(text, "Sequence No"), 16) == sequence
    assert int(value(text, "Reboot counter"), 16) == reboots
