"""The probabilistic layer of identity: what rules leave apart is scored, and joined where sure.

Splink (Fellegi and Sunter's model) scores pairs of records. The settings and what was trained are
files of the release, so the score of a pair follows from its two records and the release alone.
"""
