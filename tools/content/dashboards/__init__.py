"""Dashboards: from dashboards/*.yml to Dashboard Studio.

The modules, from the top: imports go only downward.

================  ===================================================
lint              what is wrong with a view: tokens, searches, layout
pages             every file that is generated
dashboard_studio  a dashboard as a Dashboard Studio definition
manual_page       docs/dashboards.md
schema            dashboards/*.yml, validated
spl               tokens in searches
================  ===================================================
"""
