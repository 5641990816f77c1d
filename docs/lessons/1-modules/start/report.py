import tides
import tides

print("highest:", tides.highest())
