"""Motion projected through random cameras with MediaPipe's measured errors: nothing is drawn."""
