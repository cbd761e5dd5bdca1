"""What records mean, for others than Splunk, by the conf and lookups that Splunk reads.

The rooms, from the top: imports run only downwards.

==========  ==============================================================================
printing    a record becomes a line of JSON: completely for any text, quickly for most
forms       our fields, CIM's, or an event of another schema
ocsf        fields as events of OCSF; its table is made from mappings/ocsf.yaml
ecs         fields as documents of ECS; its table is made from mappings/ecs.yaml
spelling    times and numbers as JSON has them (pure)
meaning     the fields of a record: what props, transforms, lookups, event types, tags say
reading     records out of files: text, exports, JSON of log events
evaluation  Splunk's eval expressions, as far as our conf uses them (pure)
pcre        Splunk's regular expressions in Python's `re` (pure)
conf        the add-on's own .conf files
==========  ==============================================================================
"""
