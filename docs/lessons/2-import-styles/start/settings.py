"""What the alarm uses."""

limit = 400
seen = []
