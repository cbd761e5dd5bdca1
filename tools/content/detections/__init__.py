"""Detections: from detections/*.yml to saved searches.

The modules, from the top: imports go only downward.

==================  ======================================================================
page                docs/detections.md
scenarios           a week with an attack in it, and a quiet month
expected_alerts     each detection fires on its samples, and only where it should
lint                what is wrong with a detection: search, macros, drilldowns
sample_runner       a detection over one of its samples
correlated          alerts as they are kept, and the correlation over them
ingest              events into an index, by the collector's own stream or as CloudTrail's
savedsearches_conf  the saved searches and macros of the detections
metadata            data sources, references, analytic stories
alert_text          title, details, steps and links of an alert
schema              detections/*.yml, validated
sigma_schema        the Sigma part of a detection, validated
==================  ======================================================================
"""
