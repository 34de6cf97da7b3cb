// The guest book's own script: like many pages, it stores a token in localStorage.
// The scripts in Mallory's comments are separate files.
"use strict";

const STORAGE_KEY = "latchkey_drill";

// Not deferred, to see a comment's script refused while the page is parsed.
document.addEventListener("securitypolicyviolation", (event) => {
  showOutcome(`The browser refused to run the comment’s script: ${event.effectiveDirective} in this page’s policy does not allow ${event.blockedURI}. Nothing was sent.`);
});

addEventListener("drill-done", () => showOutcome("The comment’s script ran and sent something to the thief. The page looks as if nothing happened."));

document.addEventListener("DOMContentLoaded", async () => {
  if (document.querySelector("[data-drill-over]")) localStorage.removeItem(STORAGE_KEY);
  if (!document.body.dataset.drill) return;
  const response = await fetch("/drill/token", { method: "POST" });
  if (!response.ok) return;
  const { token } = await response.json();
  localStorage.setItem(STORAGE_KEY, token);
  dispatchEvent(new Event("drill-ready"));
});

// The browser may refuse the comment's script before it has parsed the paragraph below it.
function showOutcome(text) {
  const outcome = document.getElementById("outcome");
  if (outcome) outcome.textContent = text;
  else document.addEventListener("DOMContentLoaded", () => showOutcome(text), { once: true });
}
