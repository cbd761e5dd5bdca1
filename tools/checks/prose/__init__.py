"""The language of what people read: words that are not the field's are found and replaced.

The modules, from the top: imports go only downward.

========  =====================================================================
baseline  the hits that are known, which may only become fewer
words     the word list and its exceptions, validated
passages  what people read in a file: prose, texts, messages, comments
========  =====================================================================
"""
