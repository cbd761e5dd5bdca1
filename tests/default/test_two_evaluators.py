"""`emulator` and `cloudhsm.siem` give every record the same fields.

The first evaluates the shipped conf files on PCRE2 and refuses what it does not model, the second
ships. What differs is a defect of one of them.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.siem.evaluation import BadExpression, compiled
from cloudhsm.siem.evaluation import field_value as shipped_value
from cloudhsm.siem.search_time import Meaning, epoch_seconds
from cloudhsm.splunk.event_writer import visible
from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.errors import EvalError
from emulator.eval.expression import compile_calculated_field
from emulator.eval.values import Fields, FieldValue, field_value
from emulator.event import IndexedEvent
from samples.simulator import simulate
from tests.default import corpus_certificates, corpus_opcodes
from tests.default.conftest import CLUSTER, HSM, SOURCE
from tests.default.damage import AUDIT, CERTIFICATE, damaged_records
from tests.default.hostile_texts import HOSTILE, LOGIN, SLOTS

ROOT = Path(__file__).resolve().parents[2]
USECS = 1_513_717_277_140_812
LONGEST_NAME = 1_100  # a log group's and a log stream's have at most 512 characters each
DAMAGED = damaged_records()
PLAIN = {
    sourcetype: [sample.text for part in module.corpora() for sample in part.samples]
    for sourcetype, module in ((AUDIT, corpus_opcodes), (CERTIFICATE, corpus_certificates))
}
# All that Python and PCRE2, or Python's releases, could take differently.
FRAGMENTS = (
    *("\n", "\r", "\r\n", "\n" * 5, "\t", " ", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0"),
    *("\u1680", "\u2028", "\u2029", "\u3000", "\ufeff", "\u200b", "\x00", "\x7f", "\uffff"),
    *("\u0664", "\uff11", "\U0001d7d7", "\xb2", "0x", "0X1F", "1_0", "+5", "-1", "1e400", "007"),
    *(
        "\u017f",
        "\u212a",
        "\u0130",
        "\u0131",
        "\xdf",
        "\ufb00",
        "\ufb03",
        "hsm return",
        "HSM Error:",
    ),
    *("(", ")", "[", "]", "{", "}", '"', "'", "|", "\\", "\\u0000", "\\ud800", "$", "^", ".*", ","),
    *("User Name", "User Type : ", "Target ", "Opcode : CN_LOGIN", "Time: ", "usecs:", "null", ":"),
    *HOSTILE.values(),
)
SOURCES = (
    *(
        SOURCE,
        HSM,
        f"us-east-1:/aws/cloudhsm/{CLUSTER}:{HSM}",
        f"/aws/cloudhsm/{CLUSTER}:{CLUSTER}",
    ),
    *(f"/aws/cloudhsm/{CLUSTER}:{HSM}", f"/var/log/{CLUSTER}/{HSM}.log", f"111122223333:{CLUSTER}"),
)


class Evaluators:
    """Both, and what they give the same event."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._meaning = Meaning(ROOT)

    def emulated(self, text: str, sourcetype: str, source: str, host: str, usecs: int) -> object:
        event = IndexedEvent(text, usecs, host, source, sourcetype, "main")
        fields = dict(self._app.search_time(event))
        del fields["index"]
        return fields

    def shipped(self, text: str, sourcetype: str, source: str, host: str, usecs: int) -> object:
        fields = {"_raw": text, "source": source, "host": host, "sourcetype": sourcetype}
        return self._meaning.of({**fields, "_time": epoch_seconds(usecs)})

    def assert_equal(
        self,
        text: str,
        sourcetype: str = AUDIT,
        source: str = SOURCE,
        host: str = HSM,
        usecs: int = USECS,
    ) -> None:
        """Of an event as an index has it: XML carried it, so what XML cannot is visible."""
        event = (visible(text), sourcetype, visible(source), visible(host), usecs)
        assert self.shipped(*event) == self.emulated(*event)


@pytest.fixture(scope="module")
def evaluators(app: App) -> Evaluators:
    return Evaluators(app)


@pytest.mark.parametrize("sourcetype", [AUDIT, CERTIFICATE])
def test_a_plain_record_has_the_same_fields(evaluators: Evaluators, sourcetype: str) -> None:
    for text in PLAIN[sourcetype]:
        evaluators.assert_equal(text, sourcetype)


def test_a_damaged_record_has_the_same_fields(evaluators: Evaluators) -> None:
    assert {record.sourcetype for record in DAMAGED} == {AUDIT, CERTIFICATE}
    for record in DAMAGED:
        evaluators.assert_equal(record.text, record.sourcetype)


@pytest.mark.parametrize("fragment", [*FRAGMENTS, "x" * 100_000], ids=lambda text: repr(text)[:30])
def test_a_hostile_text_gives_the_same_fields_wherever_it_is(
    evaluators: Evaluators, fragment: str
) -> None:
    for place in SLOTS.values():
        evaluators.assert_equal(place(fragment))
    record, certificate = PLAIN[AUDIT][0], PLAIN[CERTIFICATE][0]
    for label in ("Opcode", "Response", "Session Handle", "Log type", "User Type"):
        evaluators.assert_equal(re.sub(rf"({label} *: )", lambda key: key[1] + fragment, record))
    evaluators.assert_equal(certificate.replace('_code": "', f'_code": "{fragment}'), CERTIFICATE)
    name = fragment[:LONGEST_NAME]
    evaluators.assert_equal(record, AUDIT, name, name)
    evaluators.assert_equal(record, AUDIT, SOURCE + name, HSM + name)
    evaluators.assert_equal(record, AUDIT, name + SOURCE, name + HSM)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("sourcetype", [AUDIT, CERTIFICATE])
def test_a_source_overrides_the_source_type_alike(
    evaluators: Evaluators, source: str, sourcetype: str
) -> None:
    for text in (PLAIN[AUDIT][0], PLAIN[CERTIFICATE][0]):
        evaluators.assert_equal(text, sourcetype, source)


@pytest.mark.parametrize("usecs", [0, 1, -1, -1_500_000, USECS, 2**53 + 1, 10**30, 10**400])
def test_any_time_gives_the_same_fields(evaluators: Evaluators, usecs: int) -> None:
    evaluators.assert_equal("no record", usecs=usecs)


def test_every_record_of_a_sample_trail_has_the_same_fields(evaluators: Evaluators) -> None:
    trail = simulate(7, datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc), 2.0)
    assert len(trail.events) > 500
    for event in trail.events:
        source = f"111122223333:us-east-1:{event.log_group}:{event.log_stream}"
        usecs = event.timestamp_ms * 1000
        evaluators.assert_equal(event.message, AUDIT, source, event.log_stream, usecs)


@st.composite
def changed(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with pieces put in, taken out, or in another order."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.sampled_from(FRAGMENTS) | st.text(max_size=3))
        text = text[:at] + piece + text[at + draw(st.integers(0, 20)) :]
    lines = text.split("\n")
    return "\n".join(draw(st.permutations(lines)) if draw(st.booleans()) else lines)


RECORDS = {
    sourcetype: changed(
        st.sampled_from(
            texts
            + [one.text for one in DAMAGED if one.sourcetype == sourcetype and len(one.text) < 3000]
        )
    )
    for sourcetype, texts in PLAIN.items()
}
ORIGINS = st.sampled_from(SOURCES) | changed(st.sampled_from(SOURCES))
HOSTS = st.sampled_from((HSM, CLUSTER, "web1")) | changed(st.sampled_from((HSM, CLUSTER)))


@settings(max_examples=400)
@given(data=st.data(), sourcetype=st.sampled_from([AUDIT, CERTIFICATE]), source=ORIGINS, host=HOSTS)
def test_whatever_happens_to_a_record_its_fields_are_the_same(
    evaluators: Evaluators, data: st.DataObject, sourcetype: str, source: str, host: str
) -> None:
    text = data.draw(RECORDS[sourcetype])
    evaluators.assert_equal(text, sourcetype, source or "x", host or "x")


EXPRESSIONS = {
    f"{sourcetype} {key}": setting.value
    for sourcetype in (AUDIT, CERTIFICATE)
    for key, setting in read_conf(ROOT / "default" / "props.conf")
    .stanzas[sourcetype]
    .settings.items()
    if key.startswith("EVAL-")
}
VALUES = st.sampled_from(
    (
        *("", "0", "00", "0.5", "5.", "-0", "0x1f", "0X00fFf", f"0x{'f' * 16}", " 1", "nan", "inf"),
        *("CN_LOGIN\n", "CN_LOGIN2", "CN_CREATE_USER\u0663", "HSM Error", "\\1", "9" * 25),
        *FRAGMENTS,
    )
)


@settings(max_examples=1000)
@given(data=st.data(), name=st.sampled_from([*EXPRESSIONS]))
def test_any_values_give_a_calculated_field_the_same_value(data: st.DataObject, name: str) -> None:
    """Also those that no extraction gives. Both refuse several values where one text belongs."""
    emulated, shipped = compile_calculated_field(EXPRESSIONS[name]), compiled(EXPRESSIONS[name])
    several = st.lists(VALUES, min_size=2, max_size=3)
    fields: dict[str, FieldValue] = data.draw(
        st.dictionaries(st.sampled_from(sorted(emulated.fields) or ["x"]), VALUES | several)
    )
    try:
        expected = field_value(emulated.run(_visible(fields)))
    except EvalError:
        with pytest.raises(BadExpression):
            shipped(_visible(fields))
        return
    assert shipped_value(shipped(_visible(fields))) == expected


def _visible(fields: Fields) -> dict[str, FieldValue]:
    return {
        name: [*map(visible, value)] if isinstance(value, list) else visible(value)
        for name, value in fields.items()
    }


@pytest.mark.parametrize("character", [0x00, 0x1B, 0xD800, 0xDFFF], ids=hex)
def test_a_record_in_a_file_has_the_digest_that_it_has_in_an_index(
    evaluators: Evaluators, character: int
) -> None:
    """What XML cannot carry is visible in an index, and as it is in a file."""
    text = LOGIN.format(response="0:HSM Return: SUCCESS", user=f"a{chr(character)}b", more="")
    raw, indexed = ((one, AUDIT, SOURCE, HSM, USECS) for one in (text, visible(text)))
    found, expected = evaluators.shipped(*raw), evaluators.emulated(*indexed)
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    assert found["record_digest"] == expected["record_digest"]
