"""A mail as final bytes: headers that nothing can be added to, two parts, and places to splice values into.

Building a MIME tree for each recipient costs about 3 ms, splicing into bytes that are ready about 0.01 ms.
"""
