"""Runs REST handlers as splunkd does: a process per driver, requests as packets on stdin."""
