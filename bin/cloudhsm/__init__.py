"""Collects AWS CloudHSM audit logs from CloudWatch Logs for Splunk.

The parts, from the top: imports go only downward.

=============  ============================================================================
modular_input  Splunk's protocol: scheme, validation, streaming
web            REST handlers: what the setup page asks of this host
wiring         the parts that make up a run or a validation
collect        one run, one log group: plan, read, judge, write, flush, save
state          what a run remembers, where it is kept, and replay requests
aws            CloudWatch Logs and STS through botocore; every AWS quirk is handled here
splunk         event stream, log file, password storage, splunkd's REST API, support bundle
siem           records for other SIEMs, by the conf files that Splunk reads
trail          record identity, sequence ledger, seen event IDs, windows, log groups (pure)
base           settings, AWS identity, errors, shutdown
=============  ============================================================================
"""

__version__ = "0.1.0"
