"""A run that fails before it reaches any log group: reported as the failure of a group is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cloudhsm.base.errors import CloudHsmError, pair
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector_events import InputReporter
from cloudhsm.collect.open_group import Writer
from cloudhsm.state.input_cache import INPUT, Failure, InputFile

log = logging.getLogger("cloudhsm")


@dataclass(frozen=True)
class InputFailure:
    """Where the failure of an input is reported: its log, and an event when it begins."""

    settings: Settings
    memory: InputFile
    writer: Writer
    stop: Stop
    host: str
    advisories: Sequence[CloudHsmError]

    def write(self, error: CloudHsmError, now_ms: int) -> None:
        """Report an error, as an event unless the run before failed alike; raises OutputClosed."""
        for advisory in self.advisories:  # the run that would report them once a day never comes
            log.warning("%s what=advisory %s", pair("input", self.settings.stanza), advisory.line())
        state, kind = self.memory.load(), type(error).__name__
        known = state.failures.get(INPUT)
        if known is not None and known.error == kind:
            known.tries += 1
        else:
            state.failures[INPUT] = Failure(kind, now_ms)
            reporter = InputReporter(self.settings.stanza, self.settings.aws_region, self.host)
            self.writer.write([reporter.collection_failed(now_ms, INPUT, error)])
            self.writer.flush()
        self.memory.save(state)
