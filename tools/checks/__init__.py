"""What every change must pass.

The modules, from the top: imports go only downward.

=================  =========================================================
gates              `make gates`
quick              `make check`
prose              the language of docs, messages and comments
pictures           docs/dashboards from what `make browser` saw
shipped_tests      tests of the shipped code on the Pythons that Splunk runs
appinspect         Splunk's package inspection, by its JSON
interrupted_setup  `make first-run`
browser            every dashboard in Chromium
package_checks     what AppInspect and slim do not see
templates          checkov's judgement of iam/ and push/
slim_partition     what slim ships to which host
=================  =========================================================
"""
