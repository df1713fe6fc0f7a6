"""What a user looks at: the figure of joint angles, the overlay video and the HTML report."""
