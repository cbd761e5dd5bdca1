"""Sigma rules out of the detections, and proof that they fire.

The modules, from the top: imports go only downward.

=============  ===========================================
sample_runner  each rule over the samples of its detection
conversion     rules into queries of other products
converter      what runs in the environment of pySigma
=============  ===========================================
"""
