
addEventListener("drill-ready", async () => {
  await fetch("/drill/thief", {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({
      drill: document.body.dataset.drill,
      local_storage: localStorage.getItem("latchkey_drill") ?? "",
      cookies: document.cookie.split("; ").filter((one) => one.includes("_drill")).join("; "),
    }),
  });
  dispatchEvent(new Event("drill-done"));
});
