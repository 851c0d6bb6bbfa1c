"""Programs that upload with real client libraries, and what installs and runs them."""
