"""Collects AWS CloudHSM audit logs from CloudWatch Logs for Splunk.

The rooms of this package, from the top: imports run only downwards.

================  =====================================================================
modular_input     Splunk's protocol: scheme, validation, streaming
wiring            the rooms put together, for a run or for validation
access            whether what an input asks for is allowed and can be reached, in 15 s
collector         one run: groups in turn, shares of its time, failures, heartbeat
group_collector   the loop of one log group: read, judge, write, flush, save
collector_events  what the collector itself has to say, as events
event_writer      Splunk's XML event stream
cloudwatch        CloudWatch Logs through botocore; every AWS quirk has its place there
answer_parser     pages of events out of botocore's answers, without its detours
credentials       where AWS credentials come from, and by which way AWS is reached
splunk_secrets    Splunk's password storage
state_move        a state from a file to KV Store and back, or set aside
kv_store          the state document in KV Store, shared by several hosts, owned by one
splunk_server     splunkd: what it says of itself, and collections of its KV Store
input_state       what an input remembers between runs: groups found, failures, counters
read_ahead        pages of several windows in flight
log_source        what the collector asks of CloudWatch Logs, and what it gets
pace              how fast CloudWatch Logs is asked
state_store       loading and saving the state document, atomically
kv_requests       what people asked to have collected again, where states are in KV Store
replay            what people asked to have collected again
state             the state document itself: what it holds, as JSON
plan              which window to read next, and why (pure)
ledger            which sequence numbers are in, which are missing, and the verdicts (pure)
seen              which CloudWatch events were handed over already (pure)
log_group         which log group it is; host, source and sourcetype of its records (pure)
record            the identity of one record: time, reboot counter, sequence, kind (pure)
settings          what the administrator asked for (pure)
login             as whom AWS is asked: the settings of it, checked (pure)
tally             what a run did, counted
support_bundle    what may be shown to whoever helps: settings and texts without secrets (pure)
log_file          the input's log, in Splunk's log folder
arguments         the settings of a stanza for Splunk's forms
stop              ending a run early and in order
errors            errors that say what, where and what to do next
================  =====================================================================

What records mean, for others than Splunk, is in the package `normalized`, with rooms of its own.
"""

__version__ = "0.1.0"
