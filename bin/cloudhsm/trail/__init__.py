"""The audit trail: what a record is, what is missing, what to read next. Pure.

The modules, from the top: imports go only downward.

===============  ==========================================================================
window_plan      which window of time to read next, and why
windows          the kinds of windows: poll, sweep, backfill, re-read, replay; how far each came
seen_ids         which CloudWatch events were delivered already
gap_review       the verdict on each gap, and where to look for its records again
gap_ledger       which sequence numbers arrived, which are missing
log_group        a log group; host, source and source type of its records
record_identity  the identity of a record: HSM, time, reboot counter, sequence number
===============  ==========================================================================
"""
