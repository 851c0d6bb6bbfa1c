"""What is said to a server and heard from it: from a request to its bytes, and to its reply."""
