// The only script there is: it counts down what the server has rendered as a
// time. Without it the page says the same, and stands still.
"use strict";

const left = (until) => {
  const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
};

const times = document.querySelectorAll(".countdown time, time.countdown-to");
const tick = () => {
  for (const time of times) {
    const until = Date.parse(time.dateTime);
    const remaining = until - Date.now();
    // Days are not worth watching.
    if (remaining >= 3_600_000) continue;
    if (time.className !== "countdown-to") time.textContent = left(until);
    else time.textContent = remaining > 0 ? `usable for ${left(until)}` : "expired";
  }
};
if (times.length > 0) {
  tick();
  setInterval(tick, 1000);
}
