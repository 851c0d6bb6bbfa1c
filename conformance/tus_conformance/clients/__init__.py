"""Judging clients: situations that a client meets, and what it makes of them.

A client is a program, or a page in a browser. It talks to a scripted server: the reference server,
with rules in front that cut, refuse or change what passes. What counts is what is stored in the
end, what the client said of it, and every request that it sent.
"""
