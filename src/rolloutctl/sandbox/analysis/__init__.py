"""AnalysisRuns: metrics measured by providers, judged by conditions, counted against limits."""
