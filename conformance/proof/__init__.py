"""The proof: every check of the suite can fail, and no legal server fails any.

Faulty and eccentric servers are judged in memory by the same engine that judges real ones, and
what it found is held against what each of them declares.
"""
