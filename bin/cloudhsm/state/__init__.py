"""What a run remembers, and where that is kept.

The modules, from the top: imports go only downward.

==================  ==================================================================
replay_desk         replays, as a person asks for them
migration           a state moved between a file and KV Store, or set aside
damaged_state       a damaged state in files, set aside
kv_store            state documents in KV Store: shared by several hosts, owned by one
kv_replay_requests  replay requests where states are in KV Store
file_store          state documents in files, loaded and saved atomically
replay_requests     time ranges that an administrator asked to collect again
input_cache         what an input keeps between runs: log groups, failures, counters
state_document      the state of a log group, as JSON (pure)
==================  ==================================================================
"""
