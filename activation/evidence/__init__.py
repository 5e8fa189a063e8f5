"""Governance evidence, generated: what is processed, for what, by whom, for how long, and proof.

Everything here is a pure function of the policy graph, the journeys, the regimes, the syncs and
what the organisation states about itself. No clock and no warehouse: the same commit gives the
same bytes.
"""
