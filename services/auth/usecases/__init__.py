"""What auth does, one module for each subject and one function for each thing."""
