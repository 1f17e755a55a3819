"""Where problems come from: public sets, local files, generators, and the set written for this project."""
