"""What `make bench` measures: the engine beside the tools that people would use otherwise, on private servers."""
