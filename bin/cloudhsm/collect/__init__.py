"""One run of an input, and what it does for each log group.

The modules, from the top: imports go only downward.

================  ========================================================================
access_check      whether an input may read what it is set to, in 15 s, before it is saved
collector         one run: log groups in turn, shares of its time, failures, heartbeat
input_failure     a run that fails before it reaches any log group
group_collector   one log group: plan, read, judge, write, flush, save
collector_events  the collector's own events
read_ahead        pages of several windows in flight
================  ========================================================================
"""
