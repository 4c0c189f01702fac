"""A TCP proxy that understands AMQP, MongoDB's protocol and SMTP well enough to cut a connection at an exact point."""
