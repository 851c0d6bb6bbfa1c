"""Real proxies in front of the reference server, and what `tus-conformance doctor` finds there."""
