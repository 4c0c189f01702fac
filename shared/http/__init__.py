"""The HTTP edge: typed requests and answers, problems, pages, OpenAPI. Use cases know nothing of it."""
