"""The canary search: values that nobody else has, sent through every input, looked for wherever a thief would look."""
