"""The shipped dashboards in a browser, by Splunk's own npm packages (development only).

The modules, from the top: imports go only downward.

================  ===========================================================
server            serves the views and their searches on this machine only
dashboard_studio  the definitions of views, and the results of their searches
================  ===========================================================
"""
