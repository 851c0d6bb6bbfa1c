"""The pages of the reports in a browser: pictures of them, and the measures of a great one."""
