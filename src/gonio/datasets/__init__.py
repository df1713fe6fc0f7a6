"""Kedro datasets: video, npz, trc, mot, checkpoint."""
