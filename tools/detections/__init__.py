"""Detections: `detections/*.yml` become alerts of default/savedsearches.conf, and are proven."""
