"""What our HDF5 formats share: datasets by name, templates as groups, and checks before a library follows a pointer."""
