"""Sources of training pairs: what MediaPipe said about a frame, and what was true."""
