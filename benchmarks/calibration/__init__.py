"""What probabilities and stated uncertainties mean: the share of real objects, the error of volumes."""
