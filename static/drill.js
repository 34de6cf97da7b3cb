// The drill's own script: it does what many pages do, and puts a token into
// localStorage. What is in the guest book's comment is not in here.
"use strict";

const KEPT = "latchkey_drill";

// In the head and not deferred: a comment that is refused is refused early.
document.addEventListener("securitypolicyviolation", (event) => {
  say(`The browser refused to run the comment’s script: ${event.effectiveDirective} in this page’s policy does not allow ${event.blockedURI}. Nothing was sent.`);
});

addEventListener("drill-done", () => say("The comment’s script ran and sent something to the thief. The page looks as if nothing happened."));

document.addEventListener("DOMContentLoaded", async () => {
  if (document.querySelector("[data-drill-over]")) localStorage.removeItem(KEPT);
  if (!document.body.dataset.drill) return;
  const answer = await fetch("/drill/token", { method: "POST" });
  if (!answer.ok) return;
  const { token } = await answer.json();
  localStorage.setItem(KEPT, token);
  dispatchEvent(new Event("drill-ready"));
});

function say(sentence) {
  const place = document.getElementById("outcome");
  if (place) place.textContent = sentence;
}
