from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import codes
from samples.details import ActingUser, Provenance
from samples.hsm import CertificateChange, CertificateStore, Entry, Hsm
from samples.layout import Generation, Separator
from samples.organisation import HsmPlan
from samples.rng import Rng
from samples.trail import SequenceGap

LOGIN = Entry(codes.LOGIN, ActingUser("bob", codes.CRYPTO_USER), session_handle=0x7014006)


def make_hsm() -> Hsm:
    plan = HsmPlan("hsm-abcdefghijk", Separator.SPACE, reboot_counter=0x38)
    return Hsm(plan, "/aws/cloudhsm/cluster-x", Generation.OLDER, Rng(7))


def text(hsm: Hsm, usecs: int) -> str:
    written = hsm.write(usecs, LOGIN)
    assert written is not None
    return written.message


def test_sequence_numbers_count_from_zero_under_a_fixed_reboot_counter() -> None:
    hsm = make_hsm()
    texts = [text(hsm, usecs) for usecs in (10, 20, 30)]
    assert ["Sequence No : 0x0" in texts[0], "Sequence No : 0x2" in texts[2]] == [True, True]
    assert all("Reboot counter : 0x38\n" in text for text in texts)


@given(st.lists(st.integers(0, 100), min_size=2))
def test_the_clock_of_an_hsm_always_advances(instants: list[int]) -> None:
    hsm = make_hsm()
    stamps = [int(text(hsm, usecs).split("usecs:")[1].split("\n")[0]) for usecs in sorted(instants)]
    assert all(earlier < later for earlier, later in zip(stamps, stamps[1:]))


def test_lost_records_are_numbered_but_not_delivered() -> None:
    hsm = make_hsm()
    hsm.write(1, LOGIN)
    hsm.lose(2)
    later = [hsm.write(usecs, LOGIN) for usecs in (2, 3, 4)]
    assert later[:2] == [None, None]
    assert later[2] is not None
    assert later[2].sequence == 3
    assert hsm.gaps == [SequenceGap(hsm.log_group, hsm.log_stream, 0x38, 1, 2)]


def test_an_hsm_logs_nothing_after_its_end_marker() -> None:
    hsm = make_hsm()
    hsm.write(1, Entry(codes.END_MARKER, command_type=codes.SPECIAL_CMD))
    assert hsm.ended
    with pytest.raises(ValueError, match="has ended its trail"):
        hsm.write(2, LOGIN)


def test_session_handles_have_the_published_shape() -> None:
    hsm = make_hsm()
    for handles in (hsm.open_session() for _ in range(50)):
        assert handles.command == handles.login + 1
        assert 0x1004000 <= handles.login <= 0xF014007
        assert handles.login & 0xF0_0FF8 == 0


@pytest.mark.parametrize(("indented", "source"), [(True, "PUBLISHED"), (False, "INFERRED")])
def test_a_certificate_record_has_the_published_keys_in_their_order(
    *, indented: bool, source: str
) -> None:
    store = CertificateStore("cluster-x", "/aws/cloudhsm/cluster-x", indented=indented)
    written = store.write(1725482483671_999, CertificateChange("CreateObject", 463180677312929947))
    content = {
        "object_handle": 463180677312929947,
        "op_code": "CreateObject",
        "response": "OK",
        "attributes": None,
        "timestamp": 1725482483671,
    }
    assert list(json.loads(written.message).items()) == list(content.items())
    assert ("\n" in written.message) is indented
    assert written.shape.provenance is Provenance[source]
