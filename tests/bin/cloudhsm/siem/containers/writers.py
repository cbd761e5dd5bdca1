"""Containers as other programs write them: records with their names in, bytes out."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Sequence

ACCOUNT, REGION = "111122223333", "us-east-1"
GROUP, HSM = "/aws/cloudhsm/cluster-likphkxygsn", "hsm-lw7iosrcylf"
STAMP_MS = 1_767_225_600_123
ISO = "2026-01-01T00:00:00.123Z"

Texts = Sequence[str]
Writer = Callable[[Texts], bytes]


def record(number: int, user: str = "audituser", key: bool = False) -> str:
    """A record of an HSM, which differs from all others by its number."""
    usecs = 1_767_225_600_123_456 + number
    lines = [
        f"Time: 01/01/26 00:00:00.{usecs % 1_000_000:06d}, usecs:{usecs}",
        f"Sequence No : {number:#x}",
        "Reboot counter : 0x2a",
        "Command Type(hex) : CN_MGMT_CMD (0x0)",
        "Opcode : CN_GENERATE_KEY (0x17)" if key else "Opcode : CN_LOGIN (0xd)",
        "Session Handle : 0x7014006",
        "Response : 0:HSM Return: SUCCESS",
    ]
    if key:
        lines += ["Log type : MGMT_KEY_DETAILS_LOG (1)", "Priv/Secret Key Handle : 262152"]
        return "\n".join([*lines, "Public Key Handle : 0"])
    lines += ["Log type : MGMT_USER_DETAILS_LOG (2)", f"User Name : {user}"]
    return "\n".join([*lines, "User Type : CN_CRYPTO_USER (1)"])


def _json(value: object, indent: int | None = None) -> bytes:
    return json.dumps(value, indent=indent).encode()


def _lines(values: Sequence[object]) -> bytes:
    return b"".join(_json(value) + b"\n" for value in values)


def _log_events(texts: Texts, **more: object) -> list[dict[str, object]]:
    return [
        {"id": f"3933{number}", "timestamp": STAMP_MS, "message": text, **more}
        for number, text in enumerate(texts)
    ]


def subscription(texts: Texts) -> dict[str, object]:
    """The payload of a subscription filter."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": GROUP,
        "logStream": HSM,
        "subscriptionFilters": ["all"],
        "logEvents": _log_events(texts),
    }


def _names_last(texts: Texts) -> dict[str, object]:
    return dict(reversed(subscription(texts).items()))


def _base64(value: object) -> str:
    return base64.b64encode(gzip.compress(_json(value))).decode()


def _filtered(texts: Texts) -> dict[str, object]:
    events = [
        {
            "logStreamName": HSM,
            "timestamp": STAMP_MS,
            "message": text,
            "ingestionTime": STAMP_MS,
            "eventId": "39330000000000000000000000000000000000000000000000000000",
        }
        for text in texts
    ]
    return {"events": events, "searchedLogStreams": [], "logGroupName": GROUP}


def _vector(text: str) -> dict[str, object]:
    names = {"log_group": GROUP, "log_stream": HSM, "owner": ACCOUNT}
    return {"message": text, **names, "timestamp": ISO, "source_type": "aws_kinesis_firehose"}


def _logstash(text: str) -> dict[str, object]:
    names = {"log_group": GROUP, "log_stream": HSM}
    return {"message": text, "@timestamp": ISO, "@version": "1", "cloudwatch_logs": names}


def _filebeat(text: str) -> dict[str, object]:
    cloudwatch = {"log_group": GROUP, "log_stream": HSM, "ingestion_time": ISO}
    cloud = {"provider": "aws", "region": REGION, "account": {"id": ACCOUNT}}
    own = {"aws": {"cloudwatch": cloudwatch}, "awscloudwatch": cloudwatch, "cloud": cloud}
    return {"@timestamp": ISO, **own, "message": text, "event": {"id": "1", "original": text}}


def _datadog(text: str) -> dict[str, object]:
    names = {"awslogs": {"logGroup": GROUP, "logStream": HSM, "owner": ACCOUNT}}
    return {"id": "A", "attributes": {"aws": names}, "message": text, "host": GROUP}


def _opensearch(text: str) -> dict[str, object]:
    names = {"@log_group": GROUP, "@log_stream": HSM, "@owner": ACCOUNT}
    return {"_index": "cwl", "_source": {"@id": "1", "@message": text, **names}}


def _hec(text: str) -> dict[str, object]:
    source = f"{ACCOUNT}:{REGION}:{GROUP}:{HSM}"
    return {"time": 1767225600.123456, "host": HSM, "source": source, "event": text}


def _splunk(text: str) -> dict[str, object]:
    source = f"{ACCOUNT}:{REGION}:{GROUP}:{HSM}"
    return {"preview": False, "result": {"_raw": text, "source": source, "host": HSM}}


def _insights(texts: Texts) -> dict[str, object]:
    rows = [
        [
            {"field": "@timestamp", "value": "2026-01-01 00:00:00.123"},
            {"field": "@message", "value": text},
            {"field": "@logStream", "value": HSM},
            {"field": "@log", "value": f"{ACCOUNT}:{GROUP}"},
            {"field": "@ptr", "value": "CmEK"},
        ]
        for text in texts
    ]
    return {"results": rows, "statistics": {"recordsMatched": 2.0}, "status": "Complete"}


def _loki(texts: Texts) -> dict[str, object]:
    labels = {"log_group": GROUP, "log_stream": HSM}
    values = [[f"{STAMP_MS}000000", text] for text in texts]
    return {"status": "success", "data": {"result": [{"stream": labels, "values": values}]}}


def _otlp(texts: Texts) -> dict[str, object]:
    attributes = [
        {
            "key": "aws.log.group.names",
            "value": {"arrayValue": {"values": [{"stringValue": GROUP}]}},
        },
        {
            "key": "aws.log.stream.names",
            "value": {"arrayValue": {"values": [{"stringValue": HSM}]}},
        },
        {"key": "cloud.account.id", "value": {"stringValue": ACCOUNT}},
    ]
    records = [
        {"timeUnixNano": f"{STAMP_MS}000000", "body": {"stringValue": text}} for text in texts
    ]
    scope = {"scopeLogs": [{"scope": {"name": "x"}, "logRecords": records}]}
    return {"resourceLogs": [{"resource": {"attributes": attributes}, **scope}]}


def _kinesis(texts: Texts) -> dict[str, object]:
    arn = f"arn:aws:kinesis:{REGION}:999999999999:stream/x"
    data = _base64(subscription(texts))
    return {"Records": [{"kinesis": {"data": data, "partitionKey": "1"}, "eventSourceARN": arn}]}


def _firehose(texts: Texts) -> dict[str, object]:
    records = [{"recordId": "1", "data": _base64(subscription(texts))}]
    return {"invocationId": "i", "region": REGION, "records": records}


def _prefixed(prefix: str, after: str = "") -> Writer:
    def write(texts: Texts) -> bytes:
        return "".join(f"{prefix}{text}{after}\n" for text in texts).encode()

    return write


def _text_output(texts: Texts) -> bytes:
    lines = [f"EVENTS\t3933{0:052d}\t{STAMP_MS}\t{HSM}\t{text}\t{STAMP_MS}" for text in texts]
    return "\n".join([*lines, f"SEARCHEDLOGSTREAMS\t{HSM}\tTrue", ""]).encode()


def _messages_as_text(texts: Texts) -> bytes:
    """--query 'events[].message' --output text"""
    return ("\t".join(texts) + "\n").encode()


def _csv(header: Sequence[str], row: Callable[[str], Sequence[object]]) -> Writer:
    def write(texts: Texts) -> bytes:
        output = io.StringIO(newline="")
        rows = csv.writer(output)
        if header:
            rows.writerow(header)
        rows.writerows(row(text) for text in texts)
        return output.getvalue().encode()

    return write


def _yaml(texts: Texts, quote: Callable[[str], str]) -> bytes:
    lines = ["events:"]
    for number, text in enumerate(texts):
        lines += [f"- eventId: '3933{number}'", f"  logStreamName: {HSM}"]
        lines += [f"  message: {quote(text)}", f"  timestamp: {STAMP_MS}"]
    return "\n".join([*lines, "searchedLogStreams: []", ""]).encode()


def _single_quoted(text: str) -> str:
    """As PyYAML writes it; blanks at a line's end would be lost."""
    if " \n" in text or "\t" in text:
        return json.dumps(text)
    return "'" + text.replace("'", "''").replace("\n", "\n\n    ") + "'"


def _double_quoted(text: str) -> str:
    return json.dumps(text).replace("\\n", "\\n\\\n    ")


def _literal(text: str) -> str:
    return "|-\n" + "\n".join(f"    {line}" for line in text.split("\n"))


# Containers that have the HSM's name for each record.
NAMED: dict[str, Writer] = {
    "filter-log-events": lambda texts: _json(_filtered(texts), indent=4),
    "filter-log-events, compact": lambda texts: _json(_filtered(texts)),
    "one page a response": lambda texts: b"\n".join(_json(_filtered([one])) for one in texts),
    "subscription": lambda texts: _json(subscription(texts)),
    "subscription, names last": lambda texts: _json(_names_last(texts)),
    "subscriptions, joined": lambda texts: b"".join(_json(subscription([one])) for one in texts),
    "array": lambda texts: _json([_vector(one) for one in texts]),
    "nested responses": lambda texts: _json({"pages": [{"a": _filtered([one])} for one in texts]}),
    "Vector": lambda texts: _lines([_vector(one) for one in texts]),
    "Logstash": lambda texts: _lines([_logstash(one) for one in texts]),
    "Filebeat": lambda texts: _lines([_filebeat(one) for one in texts]),
    "Datadog": lambda texts: _json({"data": [_datadog(one) for one in texts]}),
    "OpenSearch": lambda texts: _json({"hits": {"hits": [_opensearch(one) for one in texts]}}),
    "HEC": lambda texts: _lines([_hec(one) for one in texts]),
    "Splunk JSON": lambda texts: _lines([_splunk(one) for one in texts]),
    "Insights": lambda texts: _json(_insights(texts)),
    "Loki": lambda texts: _json(_loki(texts)),
    "OTLP": lambda texts: _json(_otlp(texts)),
    "Lambda": lambda texts: _json({"awslogs": {"data": _base64(subscription(texts))}}),
    "Kinesis": lambda texts: _json(_kinesis(texts)),
    "Firehose": lambda texts: _json(_firehose(texts), indent=2),
    "SQS": lambda texts: _json({"Records": [{"body": json.dumps(subscription(texts))}]}),
    "text output": _text_output,
    "tail, detailed": _prefixed(f"2026-01-01T00:00:00.123000+00:00 {HSM} "),
    "awslogs": _prefixed(f"{GROUP} {HSM} "),
    "cw": _prefixed(f"2026-01-01T00:00:00Z - {GROUP} - {HSM} - "),
    "saw": _prefixed(f"[2026-01-01T00:00:00Z] ({HSM}) "),
    "syslog": _prefixed(f"<13>1 2026-01-01T00:00:00.1Z {HSM} cloudhsm - - - "),
    "CSV": _csv(["@timestamp", "@message", "@logStream"], lambda text: [ISO, text, HSM]),
    "CSV without a header": _csv([], lambda text: [STAMP_MS, HSM, text]),
    "Splunk CSV": _csv(
        ["_raw", "_time", "host", "source"], lambda text: [text, ISO, HSM, f"{GROUP}:{HSM}"]
    ),
    "YAML, single": lambda texts: _yaml(texts, _single_quoted),
    "YAML, double": lambda texts: _yaml(texts, _double_quoted),
    "YAML, literal": lambda texts: _yaml(texts, _literal),
}
# Those that do not.
UNNAMED: dict[str, Writer] = {
    "plain": _prefixed(""),
    "plain, blank lines": _prefixed("", "\n"),
    "plain, CRLF": lambda texts: _prefixed("")(texts).replace(b"\n", b"\r\n"),
    "get-log-events": lambda texts: _json(
        {"nextForwardToken": "f/3", "events": _log_events(texts), "nextBackwardToken": "b/3"}
    ),
    "messages": lambda texts: _json([*texts], indent=4),
    "rows": lambda texts: _json([[STAMP_MS, one] for one in texts]),
    "strings": lambda texts: _lines([*texts]),
    "console CSV": _csv(["timestamp", "message"], lambda text: [STAMP_MS, f"{text}\n"]),
    "time,message": lambda texts: b"time,message\n" + _prefixed(f"{ISO},")(texts),
    "message, then time": _prefixed("", f"\t{STAMP_MS}"),
    "S3 export": _prefixed(f"{ISO} "),
    "tail, short": _prefixed("2026-01-01T00:00:00 "),
    "messages as text": _messages_as_text,
    "escaped": lambda texts: b"".join(json.dumps(one)[1:-1].encode() + b"\n" for one in texts),
    "rsyslog": lambda texts: b"".join(
        b"Jan  1 00:00:00 collector cloudhsm: " + one.replace("\n", "#012").encode() + b"\n"
        for one in texts
    ),
}
ALL = {**NAMED, **UNNAMED}

# What may be around any container.
Wrapper = Callable[[bytes], bytes]
WRAPPERS: dict[str, Wrapper] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-16 BE": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "mark": lambda data: b"\xef\xbb\xbf" + data,
    "Base64": lambda data: _json(
        {"awslogs": {"data": base64.b64encode(gzip.compress(data)).decode()}}
    ),
}
IS_TEXT = {"UTF-16", "UTF-16 BE", "mark"}
