"""Who is asked, in which order, and how long."""
