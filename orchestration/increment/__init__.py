"""Identity for what changed alone: the same models, over the records that a change can reach.

A full build and an increment give the same tables. What changed since the last run that was
committed leads to the records whose answer may differ (`scope`); the models' own compiled SQL runs
over those, in memory (`models`, `components`); their rows replace the old ones in one transaction
(`records` before the scores, `persons` after them). `state` says when all of that may be trusted,
and `build` falls back to the full build whenever it may not.
"""
