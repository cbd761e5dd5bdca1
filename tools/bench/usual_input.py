"""What people usually write to read log streams, to be measured against.

    python usual_input.py print|splunklib URL GROUP STREAM...

`print` only prints the messages; `splunklib` hands them to Splunk through splunklib's EventWriter.
Runs in an environment of its own, with boto3 and splunklib as published.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import boto3


def pages(url: str, group: str, streams: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each stream from its head until the token repeats: its name and a page of its events."""
    logs = boto3.client("logs", "us-east-1", endpoint_url=url)
    for stream in streams:
        request = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
        while True:
            page = logs.get_log_events(**request)
            yield stream, page["events"]
            if page["nextForwardToken"] == request.get("nextToken"):
                break
            request["nextToken"] = page["nextForwardToken"]


def print_messages(read: Iterator[tuple[str, list[dict[str, Any]]]]) -> None:
    """The least that a program can do with them."""
    for _, events in read:
        for event in events:
            print(event["message"])


def write_events(read: Iterator[tuple[str, list[dict[str, Any]]]]) -> None:
    """As splunklib's own examples do it."""
    from splunklib.modularinput import Event, EventWriter  # the other way does without

    writer = EventWriter()
    for stream, events in read:
        for event in events:
            writer.write_event(
                Event(
                    data=event["message"],
                    time=f"{event['timestamp'] / 1000:.3f}",
                    host=stream,
                    source=stream,
                    sourcetype="aws:cloudhsm:audit",
                )
            )
    writer.close()


if __name__ == "__main__":
    {"print": print_messages, "splunklib": write_events}[sys.argv[1]](
        pages(sys.argv[2], sys.argv[3], sys.argv[4:])
    )
