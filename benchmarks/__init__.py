"""One script per claim; each measures Homeport beside a floor or a peer, in turn, in the same run, and prints ratios of medians."""
