"""Runs the shipped Splunk content without Splunk: development only, never packaged.

It evaluates the conf files, searches and dashboards that ship, and refuses what it does not model.
Its tests follow the published Search Reference and .spec files; what these leave open is listed in
docs/emulator-assumptions.md. `bin/cloudhsm/siem` evaluates the same files because what ships must
be pure Python 3.9 and fast, while this package must be strict and run regular expressions on PCRE2;
tests/default/test_two_evaluators.py keeps their results equal.

The parts, from the top: imports go only downward.

===========  =====================================================
dashboards   Dashboard Studio views, and a local server for them
scheduler    alerts run on their schedule over an index that grows
session      searches over an app and the events that it indexed
app          an app's folder, loaded, ready to index and to search
index_time   from text, XML or HEC to events with a time
spl          search commands, saved searches and alert conditions
search_time  from an event to its fields, event types and tags
conf         conf files: stanzas, precedence, macros
event        an event as stored in an index
eval         eval expressions, their functions and formats
regex        regular expressions on PCRE2, with Splunk's limits
errors       errors with file, stanza and line
===========  =====================================================
"""
