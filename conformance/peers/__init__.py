"""Third-party servers: a recipe for each, and what installs, tests and publishes them."""
