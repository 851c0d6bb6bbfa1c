"""Mutants: the code with one small thing changed, and who notices.

The judging and the wire are held against their tests, the reference server against the suite. A
mutant that nobody notices is one that changes nothing, one that changes what nobody promised, or a
gap. The changes are those of mutmut; what is done with them is done here, since one server in
memory is not what mutmut knows how to try.
"""
