"""ROOT files: a layout of our own (`layout`), and anybody's histograms by a pattern of names (`plain`)."""
