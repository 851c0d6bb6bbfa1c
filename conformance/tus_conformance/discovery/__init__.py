"""What a server offers: OPTIONS, the probes, and how it refuses what no server can know."""
