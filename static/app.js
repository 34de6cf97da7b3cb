// Progressive enhancement: local times, countdowns, live progress, showing passwords,
// remembering an e-mail address, and copy buttons.
"use strict";

const zoned = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]:not(.countdown time, .countdown-to)")) {
  time.title = time.dateTime;
  time.textContent = zoned.format(new Date(time.dateTime));
}

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
    // Count down only the last hour.
    if (remaining >= 3_600_000) continue;
    if (time.className !== "countdown-to") time.textContent = left(until);
    else time.textContent = remaining > 0 ? `usable for ${left(until)}` : "expired";
  }
};
if (times.length > 0) {
  tick();
  setInterval(tick, 1000);
}

for (const input of document.querySelectorAll(".secret > input")) {
  const toggle = document.createElement("input");
  toggle.type = "checkbox";
  const label = document.createElement("label");
  label.append(toggle, "Show");
  const show = () => { input.type = toggle.checked ? "text" : "password"; };
  toggle.addEventListener("change", show);
  // Browsers offer to save only a field of type password.
  input.form.addEventListener("submit", () => { input.type = "password"; });
  addEventListener("pageshow", show);
  input.after(label);
}

// Shows the progress of a run, and reloads the page when it ends.
const running = document.querySelectorAll("[data-running]");
const follow = async () => {
  const html = await fetch(location.href).then((response) => response.text(), () => null);
  const page = html && new DOMParser().parseFromString(html, "text/html");
  const now = page ? page.querySelectorAll("[data-running]") : [];
  if (page && now.length === 0) return location.reload();
  now.forEach((part, index) => {
    if (!running[index] || part.textContent === running[index].textContent) return;
    document.title = page.title;
    running[index].replaceChildren(...part.childNodes);
  });
  setTimeout(follow, 1000);
};
if (running.length > 0) setTimeout(follow, 1000);

// Fills in the e-mail address on the sign-in page after signing up in this tab.
const address = document.querySelector('form[action="/sign-up"] [name="email"]');
if (address) {
  address.form.addEventListener("submit", () => sessionStorage.setItem("email", address.value));
}
const welcome = document.querySelector('form[action="/sign-in"] [name="email"]');
if (welcome && location.search.includes("welcome=1")) {
  welcome.value ||= sessionStorage.getItem("email") ?? "";
}

for (const block of document.querySelectorAll(".copied > pre")) {
  const button = document.createElement("button");
  button.className = "button button--small";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "Copied";
  });
  block.after(button);
}
