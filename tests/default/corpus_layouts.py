"""The layouts in which records come, or may come: separators, orders, lines left out or added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from samples import codes
from samples.codes import Coded, Response
from samples.details import MINIMAL, ActingUser, Detail, KeyHandles, Line
from samples.layout import Generation, Separator, clock_text, coded_text, render
from samples.rng import Rng, T
from tests.default.corpus import (
    STAND_IN_OPCODE,
    STAND_IN_RESPONSE,
    Corpus,
    Sample,
    basic,
    detailed,
    lines_of,
    on_one_line,
    printed,
    usecs_of,
)
from tests.default.corpus_opcodes import CLOCK, CRYPTO_USER, NEW_USER, OFFICER

OLDER, NEWER = Generation.OLDER, Generation.NEWER
SEED = 7
SHUFFLED = 40
_KEY_PAIR = KeyHandles(131079, 131078, 0)
_PAIR_OPCODE = codes.GENERATE_KEY_PAIR
_SECRET, _PUBLIC = ("Priv/Secret Key Handle", "131079"), ("Public Key Handle", "131078")
_OBJECT = ("Key Handle", "2490398")
_BELOW_HEAD = (
    "User Name",
    "User Type",
    "Mechanism",
    "Target User Name",
    "Target User Type",
    "Target User id",
    "Mfa enabled",
    "Operation",
    "Number of Users",
    "UserIDs",
)
_REQUIRED = (
    "Sequence No",
    "Reboot counter",
    "Opcode",
    "Command Type(hex)",
    "Session Handle",
    "Response",
    "Log type",
)
_LOGIN_ANSWERS = {
    "wrong password": codes.LOGIN_FAILURE,
    "unknown user, 2018": codes.USER_NOT_INITIALISED,
    "unknown user, 2019": codes.USER_UNKNOWN,
    "unknown user, client's words": Response(
        STAND_IN_RESPONSE, "HSM Error: This user does not exist"
    ),
    "other type logged in": Response(
        STAND_IN_RESPONSE, "HSM Error: Other type of user has already logged in"
    ),
    "same type logged in": Response(
        STAND_IN_RESPONSE, "HSM Error: This type of user has already logged in"
    ),
    "wrong user type": codes.INVALID_USER_TYPE,
    "no answer that a table knows": Response(STAND_IN_RESPONSE, "HSM Error: RET_OF_TOMORROW"),
}
# A name that an HSM did not check can contain any text.
_NAMES = {
    "with blanks": "Anna  Maria ",
    "with a colon": "svc:payments",
    "with quotes": 'O\'Brien "the admin"',
    "like a key": "User Type : CN_CRYPTO_OFFICER (2)",
    "like a search": "x | delete",
    "like a formula": "=1+1",
    "like markup": "<b>&amp;</b>",
    "right to left": "\u202enimda\u202c",
    "beyond ASCII": "zażółć_用户_😀",
}


def corpora() -> Iterator[Corpus]:
    """All the files of this module."""
    for generation in Generation:
        name = generation.value
        yield Corpus(f"layouts_{name}", [*_layouts(generation)])
        yield Corpus(f"all_fields_{name}", [all_fields(generation)], indented=True)
        yield Corpus(f"shuffled_{name}", [*_shuffled_records(generation)])
    yield Corpus("one_line_newer", [*_one_line_newer()])
    yield Corpus("future", [*_future()], indented=True)
    yield Corpus("duplicated_keys", [*_duplicates()], indented=True)


def all_fields(generation: Generation) -> Sample:
    """One record with every line that its generation may have, at once, which no real one has."""
    name = f"all fields {generation.value}"
    usecs = usecs_of(name)
    record = replace(
        basic(name, codes.SHARE_OBJECT, codes.USER_UNKNOWN),
        log_type=codes.MGMT_KEY_DETAILS_LOG if generation is OLDER else codes.KEY_DETAILS_LOG,
        lines=tuple(_older_lines(usecs) if generation is OLDER else _newer_lines(usecs)),
    )
    text = render(record, generation, Separator.SPACE)
    return Sample(name, text, tuple(lines_of(text)))


def _layouts(generation: Generation) -> Iterator[Sample]:
    yield from _separators(generation)
    yield from _handle_orders(generation)
    yield from _sharing(generation)
    yield from _answers(generation)
    yield from _types(generation)
    yield from _names(generation)
    yield from _odd_values(generation)


def _separators(generation: Generation) -> Iterator[Sample]:
    details: dict[Coded, Detail] = {
        codes.LOGIN: CRYPTO_USER,
        _PAIR_OPCODE: _KEY_PAIR,
        codes.CREATE_USER: NEW_USER,
    }
    for separator in Separator:
        for opcode, detail in details.items():
            name = f"{separator.value} {opcode.name} {generation.value}"
            yield printed(
                name, detailed(basic(name, opcode), detail, generation), generation, separator
            )


def _handle_orders(generation: Generation) -> Iterator[Sample]:
    orders = {
        "private, public": [_SECRET, _PUBLIC],
        "public, private": [_PUBLIC, _SECRET],
        "private, public, object": [_SECRET, _PUBLIC, _OBJECT],
        "public, private, object": [_PUBLIC, _SECRET, _OBJECT],
        "public 0, object": [("Public Key Handle", "0"), _OBJECT],
        "object alone": [_OBJECT],
        "the same three times": [(key, "262152") for key, _ in (_SECRET, _PUBLIC, _OBJECT)],
        "none": [("Priv/Secret Key Handle", "0"), ("Public Key Handle", "0")],
    }
    for order, lines in orders.items():
        yield _with_lines(f"handles {order}", _PAIR_OPCODE, lines, generation)


def _sharing(generation: Generation) -> Iterator[Sample]:
    for operation in (codes.SHARE, codes.UNSHARE):
        for number, ids in (("1", "7"), ("2", "7 9"), ("3", "7,9,11")):
            lines = [
                _OBJECT,
                ("Operation", coded_text(operation)),
                ("Number of Users", number),
                ("UserIDs", ids),
            ]
            name = f"{operation.name} with {ids}"
            yield _with_lines(name, codes.SHARE_OBJECT, lines, generation)


def _answers(generation: Generation) -> Iterator[Sample]:
    for what, response in _LOGIN_ANSWERS.items():
        name = f"login {what} {generation.value}"
        record = basic(name, codes.LOGIN, response)
        yield printed(name, detailed(record, CRYPTO_USER, generation), generation)


def _types(generation: Generation) -> Iterator[Sample]:
    stand_in = 900
    for user_type in (
        codes.CRYPTO_OFFICER,
        codes.APPLIANCE_USER,
        codes.PRE_OFFICER,
        Coded("CN_2FA_CRYPTO_USER", stand_in),
        Coded("CN_USER_OF_TOMORROW", stand_in),
    ):
        name = f"login of {user_type.name} {generation.value}"
        acting = ActingUser("someone", user_type)
        yield printed(name, detailed(basic(name, codes.LOGIN), acting, generation), generation)
    for log_type in ("GENERIC_LOG", "UNKNOWN_LOG_TYPE", "LOG_OF_TOMORROW"):
        name = f"{log_type} {generation.value}"
        record = replace(basic(name, codes.ENCRYPT_SESSION_V2), log_type=Coded(log_type, stand_in))
        yield printed(name, record, generation)
    name = f"COMMAND_OF_TOMORROW {generation.value}"
    command_type = Coded("COMMAND_OF_TOMORROW", STAND_IN_OPCODE)
    yield printed(name, basic(name, codes.LOGOUT, command_type=command_type), generation)


def _names(generation: Generation) -> Iterator[Sample]:
    for what, user_name in _NAMES.items():
        name = f"user name {what} {generation.value}"
        acting = ActingUser(user_name, codes.CRYPTO_USER)
        record = detailed(basic(name, codes.LOGIN), acting, generation)
        yield printed(name, record, generation)


def _odd_values(generation: Generation) -> Iterator[Sample]:
    """Complete records whose values are written in another way than in any published record."""
    name = f"plain {generation.value}"
    record = detailed(basic(name, codes.LOGIN), CRYPTO_USER, generation)
    text = render(record, generation, Separator.SPACE)
    yield Sample(f"line ends CR LF {generation.value}", text.replace("\n", "\r\n"))
    yield Sample(f"opcode without its number {generation.value}", text.replace(" (0xd)", ""))
    yield Sample(
        f"answer without words {generation.value}", text.replace("0:HSM Return: SUCCESS", "0")
    )
    yield Sample(
        f"answer without a number {generation.value}", text.replace("0:HSM Return", "HSM Return")
    )
    yield Sample(f"hex in capitals {generation.value}", text.replace("0x107", "0X1AF"))
    biggest = f"Sequence No : {record.sequence:#x}", "Sequence No : 0xffffffffffffffff"
    yield Sample(f"largest sequence {generation.value}", text.replace(*biggest))


def _with_lines(what: str, opcode: Coded, lines: Sequence[Line], generation: Generation) -> Sample:
    name = f"{what} {generation.value}"
    log_type = codes.MGMT_KEY_DETAILS_LOG if generation is OLDER else codes.KEY_DETAILS_LOG
    record = replace(basic(name, opcode), log_type=log_type, lines=tuple(lines))
    return printed(name, record, generation)


def _older_lines(usecs: int) -> Iterator[Line]:
    yield from (_SECRET, _PUBLIC, _OBJECT)
    yield from _clock_lines(usecs)
    yield from (("User Name", "app_payments"), ("User Type", coded_text(codes.CRYPTO_USER)))


def _newer_lines(usecs: int) -> Iterator[Line]:
    yield from (_PUBLIC, _SECRET, _OBJECT)
    yield from _clock_lines(usecs)
    yield from (("User Name", "app_payments"), ("User Type", coded_text(codes.CRYPTO_USER)))
    yield "Mechanism", "4224"
    yield "Target User Name", "clerk_bob"
    yield "Target User Type", coded_text(codes.CRYPTO_OFFICER)
    yield "Target User id", "9"
    yield "Mfa enabled", "Yes"
    yield "Operation", coded_text(codes.SHARE)
    yield "Number of Users", "2"
    yield "UserIDs", "7 9"


def _clock_lines(usecs: int) -> Iterator[Line]:
    host = usecs + CLOCK.host_ahead_usecs
    yield "local time", f"{clock_text(usecs)}, usec:{usecs}"
    yield "host time", f"{clock_text(host)} usec:{host}"
    yield "propagation delay", f"usec:{CLOCK.delay_usecs}"


def _shuffled_records(generation: Generation) -> Iterator[Sample]:
    """Optional lines there or not, all of them in any order that the two rules allow.

    A user's name and type stay together, and what AWS prints above the names stays above: only so
    can a line that a name forges be distinguished from a real line.
    """
    for number in range(1, SHUFFLED + 1):
        name = f"shuffled {number} {generation.value}"
        rng = Rng(SEED, name)
        whole = all_fields(generation)
        first = f"Time: {clock_text(usecs_of(name))}, usecs:{usecs_of(name)}"
        lines = _shuffled(whole.lines, rng)
        separator = rng.pick([*Separator])
        rest = (f"{key}{separator.after(key)}: {value}" for key, value in lines)
        yield Sample(name, "\n".join([first, *rest]), tuple(lines))


def _shuffled(lines: Sequence[Line], rng: Rng) -> list[Line]:
    head = [line for line in lines if line[0] not in _BELOW_HEAD]
    kept = [line for line in head if line[0] in _REQUIRED or rng.chance(0.6)]
    if not any(key.endswith("Key Handle") for key, _ in kept):
        kept.append(_SECRET)  # what the older log type promises
    below = [line for line in lines if line[0] in _BELOW_HEAD]
    blocks = [block for block in _blocks(below) if rng.chance(0.6)]
    return [
        *_in_any_order(kept, rng),
        *(line for block in _in_any_order(blocks, rng) for line in block),
    ]


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """A user's lines together, every other line for itself."""
    for prefix in ("User ", "Target User "):
        block = [line for line in lines if line[0].startswith(prefix)]
        if block:
            yield block
    for line in lines:
        if not line[0].startswith(("User ", "Target User ")):
            yield [line]


def _in_any_order(things: Sequence[T], rng: Rng) -> list[T]:
    rest, ordered = list(things), []
    while rest:
        ordered.append(rest.pop(rng.between(0, len(rest) - 1)))
    return ordered


def _one_line_newer() -> Iterator[Sample]:
    """No newer record on one line is published; AWS's page might show one some day."""
    details: dict[Coded, Detail] = {
        codes.LOGIN: CRYPTO_USER,
        codes.CREATE_USER: NEW_USER,
        _PAIR_OPCODE: _KEY_PAIR,
        codes.SET_M_VALUE: OFFICER,
        codes.INIT_DONE: MINIMAL,
    }
    for opcode, detail in details.items():
        name = f"{opcode.name} on one line newer"
        text = render(detailed(basic(name, opcode), detail, NEWER), NEWER, Separator.SPACE)
        yield Sample(name, on_one_line(text))


def _future() -> Iterator[Sample]:
    """A layout to come: lines of unknown keys between the known ones, and text without a key."""
    for generation in Generation:
        name = f"future {generation.value}"
        record = detailed(basic(name, codes.LOGIN), CRYPTO_USER, generation)
        first, *lines = render(record, generation, Separator.SPACE).split("\n")
        added = [first, "Partition Id : 4", *lines[:3], "Client\t: 10.0.0.7:2223", *lines[3:]]
        yield Sample(f"new keys {generation.value}", "\n".join([*added, "Quorum : 2 of 3"]))
        trailing = [first, *lines, "-- end of record --", "signature 9f86d081884c7d65"]
        yield Sample(f"text behind {generation.value}", "\n".join(trailing))


def _duplicates() -> Iterator[Sample]:
    name = "duplicated"
    record = detailed(basic(name, codes.LOGIN, codes.LOGIN_FAILURE), CRYPTO_USER, OLDER)
    text = render(record, OLDER, Separator.SPACE)
    above = {
        "answer": "Response : 0:HSM Return: SUCCESS",
        "opcode": "Opcode : CN_LOGOUT (0xe)",
        "sequence": "Sequence No : 0xffff",
        "session": "Session Handle : 0x1",
        "log type": "Log type : MINIMAL_LOG_ENTRY (0)",
    }
    below = {
        "user name": "User Name : admin",
        "user type": "User Type : CN_CRYPTO_OFFICER (2)",
        "name and type": "User Name : admin\nUser Type : CN_CRYPTO_OFFICER (2)",
        "answer twice more": "Response : 0:HSM Return: SUCCESS\nResponse : 1:HSM Error: third",
        **{f"{what} below the name": line for what, line in above.items()},
    }
    for what, line in above.items():
        yield Sample(what, text.replace("\nUser Name", f"\n{line}\nUser Name"))
    for what, line in below.items():
        yield Sample(what, f"{text}\n{line}")
    forged = "Response : 0:HSM Return: SUCCESS"
    yield Sample("answer within the name", text.replace("\nUser Type", f"\n{forged}\nUser Type"))
