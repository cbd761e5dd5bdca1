"""Routines without people: KMS, comparisons of clocks, certificates, odd records."""

from __future__ import annotations

from collections.abc import Iterator

from samples import codes
from samples.cluster import Cluster
from samples.codes import Coded
from samples.details import ClockReading, NoDetail
from samples.hsm import CertificateChange, Entry
from samples.routines.keys import generate_key
from samples.routines.sessions import hang_up, log_in, log_out, open_session
from samples.routines.users import reset_password
from samples.steps import (
    MILLISECOND,
    MINUTE,
    SECOND,
    CertificateStep,
    HsmStep,
    Routine,
    Step,
    Timeline,
)

KMS_USER = "kmsuser"
_LARGEST_CERTIFICATE_HANDLE = 2**62
_CERTIFICATES_KEPT = 20


def stay_connected(cluster: Cluster) -> Routine:
    """KMS connects, stays for a while, and its connection ends without a logout."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[KMS_USER], timeline)
        yield from log_in(session, timeline)
        timeline.after(4 * MINUTE, 25 * MINUTE)
        if timeline.rng.chance(0.2):
            yield from generate_key(session, timeline)
        timeline.after(1 * MINUTE, 10 * MINUTE)
        opcode = timeline.rng.weighted([(codes.APP_FINALIZE, 7), (codes.CLOSE_SESSION, 3)])
        yield from hang_up(session, timeline, opcode)

    return routine


def rotate_password(cluster: Cluster) -> Routine:
    """KMS changes its own password, as it does now and then."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[KMS_USER], timeline)
        yield from log_in(session, timeline)
        yield from reset_password(session, timeline, KMS_USER)
        yield from log_out(session, timeline)

    return routine


def compare_clocks(cluster: Cluster) -> Routine:
    """A TIME_INFO record on each HSM; that its opcode is UNKNOWN_OPCODE is likely, not proven."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        for hsm in tuple(cluster.hsms):
            reading = ClockReading(timeline.rng.between(500, 4_000), timeline.rng.between(20, 90))
            at = timeline.after(10 * MILLISECOND, 2 * SECOND)
            entry = Entry(codes.UNKNOWN_OPCODE, reading, command_type=codes.TIME_INFO_CMD)
            yield HsmStep(at, hsm, entry)

    return routine


def log_oddity(cluster: Cluster, opcode: Coded) -> Routine:
    """One record with an uninformative opcode."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        hsm = timeline.rng.pick(cluster.hsms)
        handle = hsm.open_session().command
        yield HsmStep(timeline.now, hsm, Entry(opcode, NoDetail(), session_handle=handle))

    return routine


def maintain_certificates(cluster: Cluster) -> Routine:
    """A certificate is stored, labelled, sometimes wrongly; an old one goes."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        for change in _certificate_changes(cluster, timeline):
            at = timeline.after(300 * MILLISECOND, 4 * SECOND)
            yield CertificateStep(at, cluster.certificate_store, change)

    return routine


def _certificate_changes(cluster: Cluster, timeline: Timeline) -> Iterator[CertificateChange]:
    rng = timeline.rng
    if rng.chance(0.15):
        yield CertificateChange("CreateObject", None, rng.pick(_CREATION_FAILURES))
        return
    handle = rng.between(2**53, _LARGEST_CERTIFICATE_HANDLE)
    cluster.certificates = [*cluster.certificates, handle][-_CERTIFICATES_KEPT:]
    yield CertificateChange("CreateObject", handle)
    response = rng.weighted([("OK", 5), ("InvalidAttributeValue", 1)])
    yield CertificateChange("SetAttributeValues", handle, response, ("Label",))
    if rng.chance(0.4):
        gone = rng.pick(cluster.certificates)
        cluster.certificates.remove(gone)
        yield CertificateChange("DestroyObject", gone)
    elif rng.chance(0.2):
        stray = rng.between(2**53, _LARGEST_CERTIFICATE_HANDLE)
        yield CertificateChange("DestroyObject", stray, "ObjectNotFound")


_CREATION_FAILURES = ("DuplicateAttribute", "MaxObjectsReached", "InternalFailure")
