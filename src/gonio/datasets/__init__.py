"""Kedro datasets: video, npz, trc, mot, text and tables, checkpoint."""
