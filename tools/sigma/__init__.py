"""The detections as Sigma rules, with pipelines for the forms in which our records are printed."""
