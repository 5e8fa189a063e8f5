"""The assets, in the order of the data's path; each module is one step of it."""
