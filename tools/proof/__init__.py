"""The guarantee under attack, and the detections over a quiet month.

The modules, from the top: imports go only downward.

=============  ===========================================================
backtest       `make prove-detections`: the sample trail and the quiet month
stories        `make prove-detections`: attacks, benign stories and quiet weeks
kill_loop      the built package, killed again and again
unshrunk       a pytest plugin: no shrinking of examples while mutants run
mutant_report  which test kills which mutant
mutants        faults of collectors, as small changes to bin/
=============  ===========================================================
"""
