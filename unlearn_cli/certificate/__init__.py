"""What was done about a request that rows be forgotten: a record with hashes, its page, and their check."""
