"""What records come in: compression, encodings, JSON of any kind, CSV, YAML and printed text.

A file is a sequence of segments, in any order: one container may follow another. Each reader takes
its segment from the same text buffer and yields records with the names that the container has
for them, and whatever it cannot read as damaged pieces: nothing is skipped silently.

The modules, from the top: imports go only downward.

============  =====================================================================
segments      which container begins where, and the reader of each
text_records  records printed as text, plain or after a prefix
csv_rows      comma- or tab-separated values with a header
yaml_events   what the AWS CLI prints with --output yaml
json_stream   JSON of any size, decoded value by value
prefixes      the form of what is printed before each record (pure)
json_events   the log events in a decoded JSON value (pure)
base64_data   payloads inside strings: Base64 of gzip or of text (pure)
text_buffer   a text that is read on when needed, and its position
byte_streams  bytes to text: gzip, zstd, bzip2, xz, UTF-8, UTF-16
found         a record with its origin, and what is reported (pure)
event_names   log group, stream, account and Region under anybody's names (pure)
record_heads  how a record begins and ends (pure)
============  =====================================================================
"""
