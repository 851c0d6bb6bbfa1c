"""What scenarios share and know: session, uploads, responses, references, content."""
