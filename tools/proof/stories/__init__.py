"""Stories that detections must find, written independently of the samples.

The modules, from the top: imports go only downward.

===================  ==================================================================
verdicts             whether each story was found in time; findings a week
playing              runs the detections over stories and quiet weeks
attacks              attacks on keys, logins, users and quorum
attacks_on_clusters  attacks on HSMs, backups and the audit trail
benign               what is usual; ceremonies with the findings that belong to them
story                what a story is
history              what clusters do on ordinary days
cluster              a cluster in a story: its users, HSMs, records and API calls
record_text          the text of a record, in both layouts
===================  ==================================================================
"""
