"""HistFactory models in every dress: JSON (`workspace`), XML with ROOT histograms (`xml`) and HS3 (`hs3`)."""
