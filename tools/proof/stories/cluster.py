"""A cluster in a story: its users, its HSMs, and what each of them records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypedDict, Unpack

from samples.trail import TrailEvent
from tools.content.detections import ingest
from tools.proof.stories.record_text import Layout, RecordText

MINUTE, HOUR, DAY = 60, 3600, 86_400
# The decisive moment of every story: Tuesday, 2026-03-31, 10:00 UTC.
MOMENT = 1_774_951_200
# CloudWatch Logs shows a record about a second after the HSM wrote it.
_DELIVERY_S = 0.9
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_OFFICER = "CN_CRYPTO_OFFICER"

WRONG_PASSWORD = "163:HSM Error: RET_USER_LOGIN_FAILURE"  # noqa: S105 - a response
NO_SUCH_USER = "206:HSM Error: This user doesn't exist"
REFUSED = "198:HSM Error: Key Access is denied"
BUSY = "187:HSM Error: This operation is already in progress"
LOGGED_IN = "7:HSM Error: This type of user has already logged in"


def id_of(kind: str, name: str) -> str:
    """The ID of a cluster or an HSM; always the same for a name."""
    digest = hashlib.sha256(name.encode()).digest()
    return f"{kind}-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:11])


class Details(TypedDict, total=False):
    """Values of a record, as in RecordText."""

    response: str
    reboot_counter: int
    session: int
    sequence: int
    user: str
    user_type: str
    user_id: int
    target_id: int
    handle: int
    late: float


@dataclass(frozen=True)
class Person:
    """A user of an HSM: a person or an application."""

    name: str
    number: int
    type: str = "CN_CRYPTO_USER"


ADMIN = Person("admin", 1, _OFFICER)
ALICE = Person("alice", 2, _OFFICER)
BRUNO = Person("bruno", 3, _OFFICER)
BATCH = Person("batch", 4)
PACKER = Person("packer", 5)
CAROL = Person("carol", 6)
CRYPTO_USERS = (BATCH, PACKER, CAROL)


@dataclass(frozen=True)
class Visible:
    """A record, and the epoch second in which CloudWatch Logs shows it."""

    second: float
    event: TrailEvent


@dataclass
class Session:
    """A login, with the handles that it has on each HSM. Commands run on the first HSM."""

    cluster: Cluster
    person: Person
    login_handle: int
    handle: int

    def run(self, at: float, opcode: str, **details: Unpack[Details]) -> None:
        """One operation on the HSM of this session; `details` as in RecordText."""
        acting: Details = {"session": self.handle, "user_id": self.person.number}
        acting.update(details)
        self.cluster.write(at, 0, opcode, **acting)

    def manage(self, at: float, opcode: str, target: Person, late: float = 0) -> None:
        """An operation on a user, which every HSM of the cluster records."""
        for hsm in range(len(self.cluster.hsms)):
            self.cluster.write(
                at + hsm * 0.05,
                hsm,
                opcode,
                session=self.handle,
                user=target.name,
                user_type=target.type,
                target_id=target.number,
                user_id=self.person.number,
                late=late,
            )

    def as_officer(self, at: float, opcode: str) -> None:
        """An operation that names the acting user, such as those on quorum tokens."""
        self.run(at, opcode, user=self.person.name, user_type=self.person.type)

    def wrap(
        self, at: float, handle: int, wrapped_with: int = 7, opcode: str = "CN_WRAP_KEY"
    ) -> None:
        """An export: the key, then the key it is wrapped with."""
        self.run(at, opcode, handle=handle)
        self.run(at + 0.01, "CN_NIST_AES_WRAP", handle=wrapped_with)

    def unwrap(self, at: float, handle: int, wrapped_with: int = 7) -> None:
        """An import: the key it was wrapped with, then the new key."""
        self.run(at, "CN_NIST_AES_WRAP", handle=wrapped_with)
        self.run(at + 0.01, "CN_UNWRAP_KEY", handle=handle)
        self.cluster.synchronize(at + 0.05, handle)

    def generate(self, at: float, handle: int) -> None:
        """A new key, which the other HSMs of the cluster receive."""
        self.run(at, "CN_GENERATE_KEY", handle=handle)
        self.cluster.synchronize(at + 0.05, handle)

    def log_out(self, at: float) -> None:
        """The logout, which only this session's HSM records."""
        self.run(at, "CN_LOGOUT", user=self.person.name, user_type=self.person.type)


@dataclass
class Cluster:
    """Times are seconds from the decisive moment. `tag` is unique to this cluster."""

    tag: str
    layout: Layout
    size: int = 2
    records: list[Visible] = field(default_factory=list)
    calls: list[tuple[float, str]] = field(default_factory=list)
    collector: list[dict[str, Any]] = field(default_factory=list)
    first_sequence: int = 200_000

    def __post_init__(self) -> None:
        self.id = id_of("cluster", self.tag)
        self.hsms = [id_of("hsm", f"{self.tag}/{number}") for number in range(self.size)]
        self._next = dict.fromkeys(self.hsms, self.first_sequence)
        self._sessions = 0

    def names(self) -> set[str]:
        """Texts that occur in findings about this cluster only."""
        return {self.id, *self.hsms, self.tag}

    def write(self, at: float, hsm: int, opcode: str, **details: Unpack[Details]) -> None:
        """One record of one HSM. `late`: seconds until it can be read, in addition."""
        values: dict[str, Any] = {"session": 0x2014005, **details}
        stream, late = self.hsms[hsm], values.pop("late", 0.0)
        usecs = round((MOMENT + at) * 1_000_000)
        sequence = values.pop("sequence", self._next[stream])
        self._next[stream] = sequence + 1
        record = RecordText(usecs=usecs, sequence=sequence, opcode=opcode, **values)
        self.write_text(at, hsm, record.in_layout(self.layout), late=late)

    def write_text(self, at: float, hsm: int, text: str, *, late: float = 0) -> None:
        """One log event with any text."""
        second = MOMENT + at + _DELIVERY_S
        group = f"/aws/cloudhsm/{self.id}"
        event = TrailEvent(group, self.hsms[hsm], round(second * 1000), text)
        self.records.append(Visible(second + late, event))

    def synchronize(self, at: float, handle: int) -> None:
        """What HSMs record when a new key is copied within the cluster."""
        self.write(at, 0, "CN_EXTRACT_MASKED_OBJECT_USER", handle=handle)
        for hsm in range(1, self.size):
            self.write(at + 0.05, hsm, "CN_INSERT_MASKED_OBJECT_USER", handle=handle)

    def log_in(self, at: float, person: Person, *, response: str = "", late: float = 0) -> Session:
        """A login, which every HSM records. Its handle differs from that of the commands."""
        self._sessions += 1
        channel = 0x1000 * (0x1000 + self._sessions * 4)
        session = Session(self, person, channel + 5, channel + 4)
        details: Details = {
            "session": session.login_handle,
            "user": person.name,
            "user_type": person.type,
            "late": late,
        }
        if response:
            details["response"] = response
        else:
            details["user_id"] = person.number
        for hsm in range(self.size):
            self.write(at + hsm * 0.05, hsm, "CN_LOGIN", **details)
        return session

    def fail(self, at: float, person: Person, response: str = WRONG_PASSWORD) -> None:
        """A login that fails."""
        self.log_in(at, person, response=response)

    def call(self, at: float, name: str, role: str, **body: object) -> None:
        """An API call by a role of this story's account, as CloudTrail records it."""
        moment = datetime.fromtimestamp(MOMENT + at, timezone.utc)
        arn = f"arn:aws:sts::{ingest.ACCOUNT}:assumed-role/{role}-{self.tag}/session{int(at)}"
        content = {
            "eventVersion": "1.11",
            "userIdentity": {"type": "AssumedRole", "arn": arn, "accountId": ingest.ACCOUNT},
            "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "cloudhsm.amazonaws.com",
            "eventName": name,
            "awsRegion": ingest.REGION,
            "sourceIPAddress": "198.51.100.20",
            "readOnly": False,
            "recipientAccountId": ingest.ACCOUNT,
            **body,
        }
        self.calls.append((MOMENT + at, json.dumps(content)))

    def copy_backup(self, at: float, role: str, region: str, backup: str = "") -> None:
        """A backup of this cluster copied to another Region."""
        request = {
            "backupId": backup or id_of("backup", f"{self.tag}/{int(at)}"),
            "destinationRegion": region,
        }
        response = {"destinationBackup": {"sourceCluster": self.id, "sourceRegion": ingest.REGION}}
        self.call(
            at, "CopyBackupToRegion", role, requestParameters=request, responseElements=response
        )

    def create_hsm(self, at: float, role: str) -> None:
        """An HSM added to this cluster."""
        request = {"clusterId": self.id, "availabilityZone": "us-east-1b"}
        self.call(at, "CreateHsm", role, requestParameters=request)

    def delete_hsm(self, at: float, role: str, hsm: str) -> None:
        """An HSM of this cluster deleted."""
        request = {"clusterId": self.id, "hsmId": hsm}
        self.call(at, "DeleteHsm", role, requestParameters=request, responseElements={"hsmId": hsm})
