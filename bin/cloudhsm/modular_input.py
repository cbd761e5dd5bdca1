"""Splunk's modular input protocol: scheme, validation, streaming.

Everything else is imported where it is needed: splunkd asks every scheme for its arguments when it
starts, and that should cost no more than splunklib itself.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

from splunklib.modularinput import Argument, InputDefinition, Scheme, Script, ValidationDefinition
from splunklib.modularinput import EventWriter as SplunkEventWriter

from cloudhsm.base.arguments import ARGUMENTS

_NO_STDOUT = (
    'ERROR error=OutputClosed what="Standard output is closed, so that nothing can be sent to '
    'Splunk" next="Let splunkd start the input; by hand, do not close its standard output"'
)


class AwsCloudHsmInput(Script):  # type: ignore[misc]  # splunklib has no type information
    """The scheme `aws_cloudhsm`.

    exit_status: what splunkd should see after a streaming run. was_stopped: it asked for its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exit_status = 0
        self.was_stopped = False

    def get_scheme(self) -> Scheme:
        """What splunkd shows under Settings > Data inputs."""
        scheme = Scheme("AWS CloudHSM audit logs")
        scheme.description = "Collects CloudHSM audit logs from CloudWatch Logs, without gaps."
        scheme.use_external_validation = True
        scheme.use_single_instance = False
        scheme.streaming_mode = Scheme.streaming_mode_xml
        for name, description in ARGUMENTS.items():
            scheme.add_argument(
                Argument(
                    name,
                    description=description,
                    required_on_create=name == "aws_region",
                    required_on_edit=False,
                )
            )
        return scheme

    def validate_input(self, definition: ValidationDefinition) -> None:
        """Raises CloudHsmError; splunkd shows its text to the person who saves the input."""
        from cloudhsm import wiring
        from cloudhsm.base.redaction import redacted
        from cloudhsm.splunk import log_file

        log_file.to_stderr()
        try:
            name, parameters = definition.metadata["name"], definition.parameters
            wiring.validate(name, parameters, definition.metadata)
        except Exception as error:
            raise ValueError(redacted(str(error))) from error

    def stream_events(self, inputs: InputDefinition, ew: SplunkEventWriter) -> None:
        """One run of each stanza that splunkd passes (one, since instances are not shared)."""
        _prepare_memory()
        from cloudhsm import wiring
        from cloudhsm.base.errors import OutputClosed
        from cloudhsm.base.shutdown import Stop
        from cloudhsm.splunk import log_file

        del ew  # `cloudhsm.splunk.event_writer` writes the same stream without `unbroken`
        log_file.to_stderr()
        stop = Stop()
        stop.listen()
        stop.enforce()
        for stanza, parameters in inputs.inputs.items():
            failures = wiring.run(stanza, parameters, inputs.metadata, stop)
            self.exit_status |= bool(failures)
            self.was_stopped = stop.requested
            if any(isinstance(failure, OutputClosed) for failure in failures):
                _detach_stdout()
                return


def _prepare_memory() -> None:
    """Pages come and go as thousands of objects and megabytes of text, several times a second."""
    # glibc returns each large block to the kernel when it is freed, and requests it again, until
    # one as large as this was freed (mallopt(3): the threshold is dynamic). It is never touched, so
    # it takes no memory; without it the kernel clears half a gigabyte per 200,000 records.
    spare = bytes(30 << 20)
    del spare


def main(arguments: list[str]) -> int:
    """Entry point; returns the process's exit status."""
    if sys.stdout is None:  # as Python has it where the descriptor was closed from the start
        print(_NO_STDOUT, file=sys.stderr)
        return 1
    script = AwsCloudHsmInput()
    # Bytes: the document declares its encoding, and Windows would decode it by its code page.
    document = sys.stdin.buffer
    status = int(script.run_script(arguments, SplunkEventWriter(), document)) or script.exit_status
    if script.was_stopped:
        _leave(status)
    return status


def _leave(status: int) -> NoReturn:
    """End at once: threads may be inside calls to AWS, which the interpreter's end cannot stop."""
    logging.shutdown()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(status)


def _detach_stdout() -> None:
    """The interpreter flushes stdout when it ends, which would fail once more, and noisily."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
