"""Conf files, as Splunk reads and layers them.

The modules, from the top: imports go only downward.

==========  =====================================================================
app_folder  the conf files of one app, and how those of several apps combine
macros      macros.conf, and the expansion of macros in a search
props       which stanzas of props.conf apply to an event, and which setting wins
conf_file   stanzas, settings, continuation lines, and where each one is
==========  =====================================================================
"""
