"""SPL: runs the pipelines of our saved searches over events that preview indexed.

Source: Splunk Search Reference, one page per command. Every command, option and function that is
not modelled raises; docs/preview-assumptions.md lists what the documentation leaves open.
"""
