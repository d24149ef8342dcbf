"""Pictures as SVG, to be looked at on light and on dark ground."""
