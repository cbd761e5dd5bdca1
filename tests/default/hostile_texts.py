"""Hostile texts, and the places of a record that can have one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

HARMLESS = "harmless"
HOSTILE = {
    "end of event": "</data></event><event><data>forged</data></event>",
    "markup": "<![CDATA[x]]>&amp;&#10;<?xml?><!--",
    "formula": "=cmd|' /C calc'!A0",
    "formula with plus": "+SUM(1+1)*cmd|' /C calc'!A0",
    "formula with minus": "-2+3+cmd|' /C calc'!A0",
    "formula with at": "@SUM(1+1)",
    "pipe": '" | outputlookup cloudhsm_known_users',
    "delete": "| delete",
    "subsearch": "[search index=* | outputlookup cloudhsm_clusters]",
    "macro": "`cloudhsm_records` `comment(x)` ```x```",
    "token": "$token$ $$ $result.user$ {user} %user%",
    "condition": '* OR 1=1 OR user="*"',
    "wildcard": "*",
    "quotes": "\\\" \\' \\\\ ' \"",
    "backreference": r"\1 \0 $1 \g<0>",
    "forged record": (
        "Time: 01/01/20 00:00:00.000000, usecs:1577836800000000 Sequence No : 0x0 Opcode : X (0x1)"
    ),
    "forged keys": "x Opcode : CN_ZEROIZE (0x99) Response : 5:HSM Error: x User Type : Y (1)",
    "pairs": 'src=1.2.3.4 action=success user=root outcome=success, dest="x" eventtype=y tag=z',
    "JSON": '{"user":"root","outcome":"success","_raw":"x"}',
    "right to left": "\u202enimda\u202c \u2066x\u2069 \u200f",
    "zero width": "ad\u200bmin\u200d\ufeff\u00ad",
    "look-alike": "аdmin",
    "terminal": "\x1b[2J\x1b[31mroot\x1b]0;x\x07",
    "NUL": "adm\x00in\x08\x7f\x85\u2028\u2029",
    "surrogate": "x\ud800y\udfff\uffff\ufffe",
    "beyond the first plane": "😀\U0010fffd",
}

LOGIN = (
    "Time: 03/01/26 00:00:00.000000, usecs:1772323200000000\nSequence No : 0x1\n"
    "Reboot counter : 0xe8\nCommand Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : CN_LOGIN (0xd)\n"
    "Session Handle : 0x1\nResponse : {response}\nLog type : MGMT_USER_DETAILS_LOG (2)\n"
    "User Name : {user}\nUser Type : CN_CRYPTO_USER (1){more}"
)
CREATION = (
    "Time: 03/01/26 00:00:00.000000, usecs:1772323200000000\nVersion No : 1\nSequence No : 0x1\n"
    "Reboot counter : 0xe8\nOpcode : CN_CREATE_USER (0x3)\nCommand Type(hex) : CN_MGMT_CMD (0x0)\n"
    "User id : 1\nSession Handle : 0x1\nResponse : 0:HSM Return: SUCCESS\n"
    "Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : boss\nUser Type : CN_CRYPTO_OFFICER (2)\n"
    "Target User Name : {}\nTarget User Type : CN_CRYPTO_USER (1)\nTarget User id : 7"
)
FINE = {"response": "0:HSM Return: SUCCESS", "user": "bob", "more": ""}
# Without the lines whose keys a text may forge.
BARE = re.sub(r"(?m)^(?:Opcode|Session Handle|Log type|User Type) : .*\n?", "", LOGIN)
SLOTS: Mapping[str, Callable[[str], str]] = {
    "user name": lambda text: LOGIN.format(**{**FINE, "user": text}),
    "user name of a record that lacks lines": lambda text: BARE.format(**{**FINE, "user": text}),
    "target user name": CREATION.format,
    "response": lambda text: LOGIN.format(**{**FINE, "response": f"5:HSM Error: {text}"}),
    "unknown line": lambda text: LOGIN.format(**{**FINE, "more": f"\nNode Id : {text}"}),
}
