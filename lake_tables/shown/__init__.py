"""What may be shown: availability and the rules of serving/rules.yml, applied to rankings before they are cut.

The night's scores, audiences and the online API use the same code: `Catalogue` holds the items as arrays, `Rules` what
the file says, `Showcase` both for one kind of list; its `choose` makes lists of rankings, many people at a time.
"""
