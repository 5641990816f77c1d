import csv
import json
import statistics

rows = []
with open("tides.csv") as stream:
    for row in csv.DictReader(stream):
        if row["surge_cm"] and row not in rows:
            rows.append(row)

winds = [float(row["wind_ms"]) for row in rows if row["wind_ms"] and float(row["wind_ms"]) >= 0]
median = statistics.median(winds)
x = []
y = []
for row in rows:
    wind = float(row["wind_ms"] or -99)
    x.append(wind if wind >= 0 else median)
    y.append(float(row["surge_cm"]))

slope, intercept = statistics.linear_regression(x, y)
errors = [abs(slope * wind + intercept - surge) for wind, surge in zip(x, y)]
print("rows", len(rows))
print("MAE", statistics.fmean(errors))

with open("model.json", "w") as stream:
    json.dump({"slope": slope, "intercept": intercept}, stream)
