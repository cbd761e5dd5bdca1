"""Runs the shipped Splunk configuration without Splunk: development only, never packaged.

What it assumes of Splunk is listed in docs/preview-assumptions.md; what it does not model, it
refuses.
"""
