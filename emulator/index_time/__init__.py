"""What happens to data before it is in an index.

The modules, from the top: imports go only downward.

============  =======================================================================
hec           the event endpoint of the HTTP Event Collector
log_events    CloudWatch Logs events under the identity that the collector gives them
indexing      line breaking, timestamps, and the source type of an event
input_stream  the XML stream that a modular input prints
============  =======================================================================
"""
