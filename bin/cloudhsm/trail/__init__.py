"""The audit trail: what a record is, what is missing, what to read next. Pure.

The modules, from the top: imports go only downward.

===============  ==========================================================================
window_plan      which window of time to read next, and why
seen_ids         which CloudWatch events were delivered already
gap_ledger       which sequence numbers arrived, which are missing, the verdict on each gap
log_group        a log group; host, source and source type of its records
record_identity  the identity of a record: HSM, time, reboot counter, sequence number
===============  ==========================================================================
"""
