"""A running stack as its customers, its staff and their mail clients meet it, and nothing of the code behind.

What the demo, the journey tests and the kill tests act through: `.local/stack.json`, the gateway's public routes, and
the mails in the mailbox.
"""
