"""Mail out: one client for newsletters and notices, that lets a mark stand before the final dot."""
