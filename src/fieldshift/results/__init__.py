"""What came out: traces, measures, results, runs on disk, charts, report."""
