"""What a search sees of an event, in Splunk's order of operations.

The modules, from the top: imports go only downward.

=================  ====================================================
knowledge          event types and tags
kv_store           KV Store collections and the lookups on them
operations         the search-time operations in order
automatic_lookups  LOOKUP- settings, and the lookup command's arguments
extraction         EXTRACT, REPORT and KV_MODE
lookups            CSV lookups, and how transforms.conf lets them match
search_expression  what precedes the first pipe of a search
=================  ====================================================
"""
