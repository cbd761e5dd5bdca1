"""The record that the pages on OCSF and ECS show, as a search sees it: a login that failed."""

from __future__ import annotations

from typing import Any

RAW = """\
Time: 12/19/17 21:01:17.140812, usecs:1513717277140812
Sequence No : 0x1d
Reboot counter : 0xe8
Command Type(hex) : CN_MGMT_CMD (0x0)
Opcode : CN_LOGIN (0xd)
Session Handle : 0x2014005
Response : 163:HSM Error: RET_USER_LOGIN_FAILURE
Log type : MGMT_USER_DETAILS_LOG (2)
User Name : crypto_user
User Type : CN_CRYPTO_USER (1)"""

FIELDS: dict[str, Any] = {
    "_raw": RAW,
    "_time": 1_513_717_277_140_812,
    "activity": "user",
    "aws_account_id": "111122223333",
    "aws_region": "us-east-1",
    "category": "User Login",
    "cluster_id": "cluster-likphkxygsn",
    "command_type": "CN_MGMT_CMD",
    "command_type_code": "0x0",
    "description": "A user logs in; every HSM of the cluster records the same login.",
    "hsm_id": "hsm-nwbbiqbj4jk",
    "log_type": "MGMT_USER_DETAILS_LOG",
    "log_type_code": "2",
    "opcode": "CN_LOGIN",
    "opcode_code": "0xd",
    "outcome": "failure",
    "reboot_counter": "0xe8",
    "record_key": "hsm-nwbbiqbj4jk|0xe8|0x1d|1513717277140812",
    "record_status": "complete",
    "response": "RET_USER_LOGIN_FAILURE",
    "response_class": "wrong_password",
    "response_code": "163",
    "response_label": "HSM Error",
    "risk": "low",
    "sequence_no": "0x1d",
    "session_handle": "0x2014005",
    "source": "111122223333:us-east-1:/aws/cloudhsm/cluster-likphkxygsn:hsm-nwbbiqbj4jk",
    "sourcetype": "aws:cloudhsm:audit",
    "usecs": "1513717277140812",
    "user_name": "crypto_user",
    "user_type": "CN_CRYPTO_USER",
    "user_type_code": "1",
}
