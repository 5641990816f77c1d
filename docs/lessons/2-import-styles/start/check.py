"""Change the limit while the program runs: the alarm must follow."""

import alarm
import settings

assert alarm.is_alarm(412)
settings.limit = 450
assert not alarm.is_alarm(412), "alarm still uses the limit that it copied at import"
print("solved")
