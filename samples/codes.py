"""The coded names that the simulated HSMs print, from opcodes to responses.

Sources: AWS CloudHSM user guide, "Interpreting HSM audit logs" and "HSM audit log reference"
(opcodes, user types, codes 0 to 2 and 5 of the log types, responses 0, 157 and 163), tool output
in the same guide (168, 179, 187, 198, 219), the SIEM on Amazon OpenSearch Service (newer log
types, TIME_INFO_LOG, UNKNOWN_OPCODE), the AWS CloudHSM workshop (TIME_INFO_CMD).

Where a name is public and its number is not, the number is a **stand-in** (`public=False`):
opcodes from 0x9000, log types from 900, responses from 9000. A stand-in is no statement about real
HSMs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coded:
    """A name with its number; `public` is False if the number is a stand-in."""

    name: str
    code: int
    public: bool = True


@dataclass(frozen=True)
class Response:
    """What the HSM answered: a decimal code and the text after its colon."""

    code: int
    text: str
    public: bool = True


_STAND_IN_OPCODE = 0x9000
_STAND_IN_LOG_TYPE = 900
_STAND_IN_RESPONSE = 9000


def _opcode(name: str, stand_in: int) -> Coded:
    return Coded(name, _STAND_IN_OPCODE + stand_in, public=False)


# Opcodes whose value is public.
INIT_TOKEN = Coded("CN_INIT_TOKEN", 0x1)
CREATE_USER = Coded("CN_CREATE_USER", 0x3)
CREATE_CO = Coded("CN_CREATE_CO", 0x4)
CHANGE_PSWD = Coded("CN_CHANGE_PSWD", 0x9)
LOGIN = Coded("CN_LOGIN", 0xD)
LOGOUT = Coded("CN_LOGOUT", 0xE)
DESTROY_OBJECT = Coded("CN_DESTROY_OBJECT", 0x11)
SHARE_OBJECT = Coded("CN_SHARE_OBJECT", 0x12)
GENERATE_KEY = Coded("CN_GENERATE_KEY", 0x17)
GENERATE_KEY_PAIR = Coded("CN_GENERATE_KEY_PAIR", 0x19)
WRAP_KEY = Coded("CN_WRAP_KEY", 0x1A)
UNWRAP_KEY = Coded("CN_UNWRAP_KEY", 0x1B)
GEN_PSWD_ENC_KEY = Coded("CN_GEN_PSWD_ENC_KEY", 0x1D)
NIST_AES_WRAP = Coded("CN_NIST_AES_WRAP", 0x1E)
INIT_DONE = Coded("CN_INIT_DONE", 0x95)
DELETE_USER = Coded("CN_DELETE_USER", 0xA1)
EXTRACT_MASKED = Coded("CN_EXTRACT_MASKED_OBJECT_USER", 0xF0)
INSERT_MASKED = Coded("CN_INSERT_MASKED_OBJECT_USER", 0xF1)
CREATE_APPLIANCE_USER = Coded("CN_CREATE_APPLIANCE_USER", 0xFC)
ENCRYPT_SESSION_V2 = Coded("CN_ENCRYPT_SESSION_V2", 0x107)
END_MARKER = Coded("END_MARKER_OPCODE", 0xFFFF)

# Opcodes published by name only.
APP_FINALIZE = _opcode("CN_APP_FINALIZE", 0x01)
CLOSE_SESSION = _opcode("CN_CLOSE_SESSION", 0x02)
SET_M_VALUE = _opcode("CN_SET_M_VALUE", 0x03)
APPROVE_TOKEN = _opcode("CN_APPROVE_TOKEN", 0x04)
DELETE_TOKEN = _opcode("CN_DELETE_TOKEN", 0x05)
GET_TOKEN = _opcode("CN_GET_TOKEN", 0x06)
CREATE_OBJECT = _opcode("CN_CREATE_OBJECT", 0x07)
MODIFY_OBJECT = _opcode("CN_MODIFY_OBJECT", 0x08)
TOMBSTONE_OBJECT = _opcode("CN_TOMBSTONE_OBJECT", 0x09)
DERIVE_KEY = _opcode("CN_DERIVE_KEY", 0x0A)
BACKUP_BEGIN = _opcode("CN_BACKUP_BEGIN", 0x0B)
BACKUP_END = _opcode("CN_BACKUP_END", 0x0C)
RESTORE_BEGIN = _opcode("CN_RESTORE_BEGIN", 0x0D)
RESTORE_END = _opcode("CN_RESTORE_END", 0x0E)
CERT_AUTH_STORE_CERT = _opcode("CN_CERT_AUTH_STORE_CERT", 0x0F)
CERT_AUTH_VALIDATE_PEER_CERTS = _opcode("CN_CERT_AUTH_VALIDATE_PEER_CERTS", 0x10)
CERT_AUTH_SOURCE_KEY_EXCHANGE = _opcode("CN_CERT_AUTH_SOURCE_KEY_EXCHANGE", 0x11)
CERT_AUTH_TARGET_KEY_EXCHANGE = _opcode("CN_CERT_AUTH_TARGET_KEY_EXCHANGE", 0x12)
GEN_KEY_ENC_KEY = _opcode("CN_GEN_KEY_ENC_KEY", 0x13)
FIPS_RAND = _opcode("CN_FIPS_RAND", 0x14)
UNKNOWN_OPCODE = _opcode("UNKNOWN_OPCODE", 0x15)
# An invented opcode, to see what happens to a name that no table lists.
UNLISTED = _opcode("CN_SAMPLE_UNLISTED_COMMAND", 0xFFF)
# The same, by its name a variant of an operation that is known.
UNLISTED_VARIANT = _opcode("CN_WRAP_KEY3", 0xFFE)

MGMT_CMD = Coded("CN_MGMT_CMD", 0x0)
CERT_AUTH_CMD = Coded("CN_CERT_AUTH_CMD", 0x9)
TIME_INFO_CMD = Coded("TIME_INFO_CMD", 0xEEE2)
SPECIAL_CMD = Coded("SPECIAL", 0xFFFF)

MINIMAL_LOG = Coded("MINIMAL_LOG_ENTRY", 0)
MGMT_KEY_DETAILS_LOG = Coded("MGMT_KEY_DETAILS_LOG", 1)
MGMT_USER_DETAILS_LOG = Coded("MGMT_USER_DETAILS_LOG", 2)
UNKNOWN_LOG_TYPE = Coded("UNKNOWN_LOG_TYPE", 5)
TIME_INFO_LOG = Coded("TIME_INFO_LOG", 16)
USER_AUTH_LOG = Coded("USER_AUTH_LOG", _STAND_IN_LOG_TYPE + 1, public=False)
USER_MANAGE_LOG = Coded("USER_MANAGE_LOG", _STAND_IN_LOG_TYPE + 2, public=False)
KEY_DETAILS_LOG = Coded("KEY_DETAILS_LOG", _STAND_IN_LOG_TYPE + 3, public=False)
BACKUP_RESTORE_LOG = Coded("PARTITION_BACKUP_RESTORE_LOG", _STAND_IN_LOG_TYPE + 4, public=False)

CRYPTO_USER = Coded("CN_CRYPTO_USER", 1)
CRYPTO_OFFICER = Coded("CN_CRYPTO_OFFICER", 2)
APPLIANCE_USER = Coded("CN_APPLIANCE_USER", 5)
PRE_OFFICER = Coded("CN_CRYPTO_PRE_OFFICER", 6)

# The shareKey command takes 1 to share and 0 to unshare; how a record names them is not public.
SHARE = Coded("SHARE", 1, public=False)
UNSHARE = Coded("UNSHARE", 0, public=False)

SUCCESS = Response(0, "HSM Return: SUCCESS")
USER_NOT_INITIALISED = Response(
    157, "HSM Error: user isn't initialized or user with this name doesn't exist"
)
LOGIN_FAILURE = Response(163, "HSM Error: RET_USER_LOGIN_FAILURE")
INVALID_HANDLE = Response(168, "HSM Error: Invalid object handle is passed to this operation")
POLICY_VIOLATION = Response(
    179, "HSM Error: This operation violates the current configured/FIPS policies"
)
BUSY = Response(187, "HSM Error: This operation is already in progress")
KEY_ACCESS_DENIED = Response(198, "HSM Error: Key Access is denied")
USER_UNKNOWN = Response(206, "HSM Error: This user doesn't exist")
INVALID_USER_TYPE = Response(219, "HSM Error: Invalid User Type")
QUORUM_MISSING = Response(_STAND_IN_RESPONSE + 1, "HSM Error: RET_MXN_AUTH_FAILED", public=False)


def stand_ins() -> tuple[str, ...]:
    """The names and texts whose numbers are stand-ins, in alphabetical order."""
    coded = [value for value in globals().values() if isinstance(value, (Coded, Response))]
    names = [
        item.name if isinstance(item, Coded) else item.text for item in coded if not item.public
    ]
    return tuple(sorted(names))
